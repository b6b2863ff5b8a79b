//! SPECIFICATION.md names tests that exist.

use unirank_qemu_tests::root;

#[test]
fn every_promise_is_held_by_tests_that_exist() {
    let text = std::fs::read_to_string(root().join("SPECIFICATION.md")).expect("readable");
    let named: Vec<(&str, &str)> =
        text.split('`').skip(1).step_by(2).filter_map(|t| t.split_once(".rs: ")).collect();
    assert!(named.len() > 50, "only {} tests are named", named.len());
    for (file, test) in named {
        let path = root().join(format!("{file}.rs"));
        let source = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(source.contains(&format!("fn {test}(")), "{file}.rs has no test {test}");
    }
    for row in text.lines().filter(|l| l.starts_with("| ") && !l.starts_with("| promise")) {
        assert!(row.contains(".rs: "), "a promise without a test: {row}");
    }
}
