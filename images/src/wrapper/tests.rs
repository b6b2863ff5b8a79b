use super::*;

fn layout() -> Layout {
    Layout::new("/p")
}

fn request(line: &str) -> Request {
    Request::parse(line.split_whitespace().map(OsString::from)).unwrap()
}

fn line_with(language: Language, line: &str, variable: (&str, &str)) -> String {
    let environment = |name: &str| (name == variable.0).then(|| variable.1.into());
    quoted(&command_line(language, &layout(), &request(line), environment).words)
}

fn line(language: Language, words: &str) -> String {
    line_with(language, words, ("", ""))
}

const LINK: &str = "-static -no-pie -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,--eh-frame-hdr \
    -Wl,--gc-sections -Wl,@/p/lib/unirank/threads.args -Wl,/p/lib/unirank/kernel.o -L/p/lib/unirank -lhermit -lmpi -lm -lpthread";

#[test]
fn links_only_when_an_executable_comes_out() {
    assert_eq!(line(Language::C, "a.c -o a"), format!("gcc a.c -o a -I/p/include {LINK}"));
    assert_eq!(line(Language::C, "a.o -lfoo"), format!("gcc a.o -lfoo -I/p/include {LINK}"));
    for words in ["-c a.c", "-E a.c", "-S a.c", "-M a.c", "-c -shared a.c", "-r a.o b.o", "-fsyntax-only a.c"]
    {
        assert_eq!(line(Language::C, words), format!("gcc {words} -I/p/include"));
    }
    assert_eq!(
        line(Language::C, "-shared a.o -o a.so"),
        "gcc -shared a.o -o a.so -I/p/include -L/p/lib/unirank -Wl,-rpath,/p/lib/unirank -lmpi_abi"
    );
    assert_eq!(line(Language::C, "-MD -MF x.d a.c"), format!("gcc -MD -MF x.d a.c -I/p/include {LINK}"));
}

#[test]
fn questions_to_the_compiler_pass_through() {
    for words in
        ["-dumpversion", "--version", "-dumpmachine", "-print-prog-name=ld", "-v", "-o x", "-x c", ""]
    {
        assert_eq!(line(Language::C, words), format!("gcc {words}").trim_end());
    }
}

#[test]
fn compilers() {
    assert!(line(Language::Cxx, "-c a.cc").starts_with("g++ "));
    assert_eq!(
        line(Language::Fortran, "-c a.f90"),
        "gfortran -c a.f90 -I/p/include -fallow-argument-mismatch"
    );
    assert!(line(Language::Fortran, "a.f90").contains("-lmpifort -lhermit -lmpi"));
    assert!(line_with(Language::C, "-c a.c", ("OMPI_CC", "ccache clang")).starts_with("ccache clang -c"));
    assert!(line_with(Language::C, "-cc=tcc -c a.c", ("MPICH_CC", "clang")).starts_with("tcc -c"));
    assert!(line_with(Language::C, "-c a.c", ("UNIRANK_CC", "")).starts_with("gcc "));
    assert!(!line_with(Language::Fortran, "-c a.f90", ("UNIRANK_FC", "flang")).contains("-fallow"));
}

#[test]
fn shows_without_sources() {
    assert_eq!(line(Language::C, "-show"), format!("gcc -I/p/include {LINK}"));
    assert_eq!(line(Language::C, "-show -c a.c"), "gcc -c a.c -I/p/include");
    let part = |show| quoted(&shown_part(Language::C, &layout(), show));
    assert_eq!(part(Show::Compile), "-I/p/include");
    assert!(part(Show::Link).starts_with("-Wl,-no-pie,-static,-z,norelro,"));
    assert!(part(Show::Link).ends_with(
        "@/p/lib/unirank/threads.args,/p/lib/unirank/kernel.o,/p/lib/unirank/shared-start.o,-L/p/lib/unirank -L/p/lib/unirank -lhermit -lmpi -lm -lpthread"
    ));
}

#[test]
fn position_independent_executables_are_refused_aloud() {
    let request = request("-pie a.c -static-pie");
    assert_eq!(request.dropped, ["-pie", "-static-pie"]);
    assert_eq!(request.passed, ["a.c"]);
    assert!(Request::parse(["-profile=x".into()]).is_err());
}

#[test]
fn odd_names_survive() {
    use std::os::unix::ffi::OsStringExt;
    let odd = OsString::from_vec(b"\xff.c".to_vec());
    let request = Request::parse([odd.clone()]).unwrap();
    assert!(request.links);
    assert_eq!(request.passed, [odd]);
    assert_eq!(quoted(&["a b".into(), "it's".into(), "".into()]), r"'a b' 'it'\''s' ''");
}

#[test]
fn values_are_no_inputs() {
    assert!(!request("-o x -I y -include z").has_input);
    assert!(request("-x c -").has_input);
    assert!(request("@args").has_input);
}
