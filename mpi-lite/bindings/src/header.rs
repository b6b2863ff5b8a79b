//! The prototypes of `mpi.h`: `MPI_FN_(result, Name, (arguments))`, one or several lines each.

/// An argument of a C function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// The type without `const`, `*` and `[]`.
    pub base: String,
    /// Whether what it points to is only read.
    pub constant: bool,
    /// How many `*` it has.
    pub stars: usize,
    /// How many `[]` or `[n]` follow the name.
    pub brackets: usize,
}

impl Argument {
    /// Whether it is passed by value.
    pub fn by_value(&self) -> bool {
        self.stars + self.brackets == 0
    }
}

/// A C function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name without `MPI_`.
    pub name: String,
    /// The comment of the header under which it stands.
    pub section: String,
    /// What it returns.
    pub result: String,
    /// Its arguments; `...` is left out.
    pub arguments: Vec<Argument>,
    /// Whether it stands in the block of names that are not in the ABI.
    pub extension: bool,
}

impl Function {
    /// The name with `_c` taken off, if it is the large-count form of another function.
    pub fn small_name(&self) -> Option<&str> {
        self.name.strip_suffix("_c")
    }
}

/// All functions of the header, in its order.
pub fn parse(header: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    let (mut section, mut extension) = (String::new(), false);
    let mut lines = header.lines();
    while let Some(line) = lines.next() {
        if let Some(comment) = line.strip_prefix("/* ").and_then(|l| l.strip_suffix(" */")) {
            section = comment.to_owned();
        }
        extension |= line.starts_with("#ifndef UNIRANK_MPI_ABI_ONLY");
        if !line.starts_with("MPI_FN_(") {
            continue;
        }
        let mut prototype = line.to_owned();
        while !prototype.ends_with("))") {
            prototype.push(' ');
            prototype += lines.next().expect("a prototype that ends").trim();
        }
        functions.push(function(&prototype, &section, extension));
    }
    functions
}

fn function(prototype: &str, section: &str, extension: bool) -> Function {
    let inner = prototype.strip_prefix("MPI_FN_(").and_then(|p| p.strip_suffix("))")).expect("MPI_FN_(...)");
    let (head, arguments) = inner.split_once(", (").expect("arguments in parentheses");
    let (result, name) = head.split_once(", ").expect("a result and a name");
    let arguments = arguments.split(", ").filter(|a| !matches!(*a, "void" | "...")).map(argument).collect();
    Function {
        name: name.to_owned(),
        section: section.to_owned(),
        result: result.to_owned(),
        arguments,
        extension,
    }
}

fn argument(text: &str) -> Argument {
    let bare: String = text.replace(['*', '[', ']'], " ");
    let words: Vec<&str> =
        bare.split_whitespace().filter(|w| *w != "const" && w.parse::<u32>().is_err()).collect();
    let [base, name] = words[..] else { panic!("not a type and a name: {text}") };
    Argument {
        name: name.to_owned(),
        base: base.to_owned(),
        constant: text.starts_with("const "),
        stars: text.matches('*').count(),
        brackets: text.matches('[').count(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_prototypes_are_read() {
        let functions = crate::functions();
        let text = crate::read("include/mpi.h");
        assert_eq!(functions.len(), text.lines().filter(|l| l.starts_with("MPI_FN_(")).count());
        let find = |name: &str| functions.iter().find(|f| f.name == name).expect("declared");
        let gatherv = find("Gatherv_c");
        assert_eq!(gatherv.small_name(), Some("Gatherv"));
        assert_eq!(gatherv.arguments.len(), 9);
        let counts = &gatherv.arguments[4];
        assert_eq!((counts.base.as_str(), counts.name.as_str()), ("MPI_Count", "recvcounts"));
        assert_eq!((counts.constant, counts.stars, counts.brackets), (true, 0, 1));
        assert_eq!(find("Group_range_incl").arguments[2].brackets, 2);
        assert!(find("Finalize").arguments.is_empty());
        assert!(find("Type_struct").extension && !find("Wtime").extension);
    }
}
