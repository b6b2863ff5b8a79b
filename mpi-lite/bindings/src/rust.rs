//! The bodies of the bindings, as tables for the macro `fortran!` of `mpi-lite/src/fortran`.

use crate::header::Function;
use crate::kind::{self, Dummy, Type};
use crate::modules;
use std::fmt::Write;

/// The file that `mpi-lite/src/fortran/mod.rs` includes: three modules, by the names that their bindings have.
pub fn bindings(functions: &[Function]) -> String {
    let (mut both, mut without, mut only) = (String::new(), String::new(), String::new());
    for function in functions.iter().filter(|f| kind::in_fortran(f) && !kind::by_hand(f)) {
        let (symbol, dummies) = (format!("mpi_{}", function.name.to_lowercase()), kind::dummies(function));
        let pointer = dummies.iter().any(|d| d.name == "baseptr");
        let detaches = dummies.iter().any(|d| d.name == "buffer_addr");
        if function.small_name().is_some() {
            if modules::is_overload(functions, function) {
                only += &line(&symbol, function, &dummies);
            }
            continue;
        }
        if !detaches {
            both += &line(&symbol, function, &dummies);
        } else {
            // Without mpi_f08 there is no variable that could take the address.
            only += &line(&symbol, function, &dummies);
            let mut dropped = dummies.clone();
            dropped
                .iter_mut()
                .filter(|d| d.ty == Type::Pointer)
                .for_each(|d| d.rust = "PointerDropped".to_owned());
            without += &line(&symbol, function, &dropped);
        }
        if pointer {
            without += &line(&format!("{symbol}_cptr"), function, &dummies);
        }
    }
    let mut text = String::new();
    for (name, word, doc, lines) in [
        ("common", "both", "Bindings that all Fortran programs call.", both),
        ("without_f08", "plain", "Bindings with other arguments than in `mpi_f08`.", without),
        ("only_f08", "f08", "Bindings of `mpi_f08` alone: large counts.", only),
    ] {
        let _ = write!(
            text,
            "#[doc = \"{doc}\"]\nmod {name} {{\n    use super::generated::*;\n    fortran! {{ {word}\n{lines}    }}\n}}\n"
        );
    }
    text
}

fn line(symbol: &str, function: &Function, dummies: &[Dummy]) -> String {
    let arguments: Vec<String> = dummies
        .iter()
        .map(|Dummy { name, rust, length, .. }| match length {
            Some(length) => format!("{name} c_{name}: {rust}[{length}]"),
            None => format!("{name} c_{name}: {rust}"),
        })
        .collect();
    let texts: Vec<String> =
        dummies.iter().filter(|d| d.ty == Type::Text).map(|d| format!("{}_length", d.name)).collect();
    format!("        {symbol} = PMPI_{}({}; {});\n", function.name, arguments.join(", "), texts.join(", "))
}
