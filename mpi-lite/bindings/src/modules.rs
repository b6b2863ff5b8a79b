//! The Fortran modules `mpi` and `mpi_f08`: an explicit interface of every procedure, under its name and, for tools, with a P.

use crate::header::Function;
use crate::kind::{self, Dummy, Intent, Type};
use crate::{constants, read};
use std::fmt::Write;

/// Which module an interface stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Module {
    /// Handles are integers.
    Mpi,
    /// Handles have types; the error code may be left out.
    F08,
}

/// The module `mpi`.
pub fn mpi(functions: &[Function]) -> String {
    let mut text = header("mpi", "explicit interfaces of every procedure", "mpi_f08_types");
    text += "  include 'mpif_constants.h'\n\n";
    for function in functions.iter().filter(|f| kind::in_fortran(f) && f.small_name().is_none()) {
        let name = format!("MPI_{}", function.name);
        let dummies = kind::dummies(function);
        if dummies.iter().any(|d| d.name == "baseptr") {
            let _ = writeln!(text, "  interface {name}");
            text += &interface(&name, function, &dummies, Module::Mpi, Some("integer(MPI_ADDRESS_KIND)"));
            text += &interface(&format!("{name}_cptr"), function, &dummies, Module::Mpi, None);
            text += "  end interface\n";
            text += &under_p(&name, &[format!("{name}_cptr")], Some(&name));
        } else {
            text += "  interface\n";
            text += &interface(&name, function, &dummies, Module::Mpi, None);
            text += "  end interface\n";
            text += &under_p(&name, &[], Some(&name));
        }
    }
    text += &read("fortran/mpi_extra.inc");
    text + "end module\n"
}

/// The module `mpi_f08`.
pub fn mpi_f08(functions: &[Function]) -> String {
    let mut text =
        header("mpi_f08", "handles with types, optional error codes, large counts", "mpi_f08_callbacks");
    text += &constants::f08();
    for function in functions.iter().filter(|f| kind::in_fortran(f) && !kind::is_old(f)) {
        let name = format!("MPI_{}", function.name);
        let alone = function.small_name().is_none() || is_named_c(function);
        if !alone {
            continue;
        }
        if kind::is_function(function) {
            text += "  interface\n";
            text += &interface(&name, function, &kind::dummies(function), Module::F08, None);
            text += "  end interface\n";
            text += &under_p(&name, &[], Some(&name));
            continue;
        }
        let large = functions
            .iter()
            .find(|f| !is_named_c(f) && f.small_name() == Some(&function.name) && is_overload(functions, f));
        let _ = writeln!(text, "  interface {name}");
        let mut specifics = Vec::new();
        for form in [Some(function), large].into_iter().flatten() {
            let specific = format!("MPI_{}_f08", form.name);
            text += &interface(&specific, form, &kind::dummies(form), Module::F08, None);
            specifics.push(specific);
        }
        text += "  end interface\n";
        text += &under_p(&name, &specifics, None);
    }
    text += &read("fortran/mpi_f08_extra.inc");
    text + "end module\n"
}

/// Whether the large-count form has that name in Fortran, too, as subroutines alone do not tell the forms apart.
fn is_named_c(function: &Function) -> bool {
    matches!(function.name.as_str(), "Op_create_c" | "Register_datarep_c")
}

/// Whether Fortran can tell the large-count form from the other: where addresses and counts are of one kind, some are the same.
pub fn is_overload(functions: &[Function], large: &Function) -> bool {
    let small = functions.iter().find(|f| Some(f.name.as_str()) == large.small_name());
    let kinds = |function: &Function| -> Vec<String> {
        kind::dummies(function)
            .iter()
            .map(|d| declaration(d, Module::F08).replace("MPI_COUNT_KIND", "MPI_ADDRESS_KIND"))
            .collect()
    };
    is_named_c(large) || small.is_some_and(|small| kinds(small) != kinds(large))
}

fn header(name: &str, what: &str, uses: &str) -> String {
    format!(
        "! The module `{name}`: {what}. Made by mpi-bindings from mpi.h.\n\
         ! Choice buffers take any type, kind and rank (GCC's NO_ARG_CHECK). Compiled where unirank is built, because\n\
         ! module files fit one compiler version.\n\
         module {name}\n  use {uses}\n  use, intrinsic :: iso_c_binding, only: c_ptr\n  use mpi_sizes, only: MPI_Sizeof, PMPI_Sizeof\n  \
         implicit none\n  private :: c_ptr\n"
    )
}

/// Declares the same procedures under their profiling names. `itself`: the name is that of a procedure, not only of a set.
fn under_p(name: &str, specifics: &[String], itself: Option<&str>) -> String {
    let mut text = String::new();
    for specific in itself.into_iter().chain(specifics.iter().map(String::as_str)) {
        let _ = writeln!(text, "  procedure({specific}) :: P{specific}");
    }
    if !specifics.is_empty() {
        let _ = writeln!(text, "  interface P{name}");
        for specific in itself.into_iter().chain(specifics.iter().map(String::as_str)) {
            let _ = writeln!(text, "    procedure P{specific}");
        }
        text += "  end interface\n";
    }
    text
}

/// One interface body.
fn interface(
    name: &str,
    function: &Function,
    dummies: &[Dummy],
    module: Module,
    pointer: Option<&str>,
) -> String {
    let mut names: Vec<&str> = dummies.iter().map(|d| d.name.as_str()).collect();
    let mut text = String::new();
    let result = match function.result.as_str() {
        "double" => Some("double precision :: value"),
        "MPI_Aint" => Some("integer(MPI_ADDRESS_KIND) :: value"),
        _ => None,
    };
    if kind::has_error_code(function) {
        names.push("ierror");
    }
    let word = if result.is_some() { "function" } else { "subroutine" };
    let ending = if result.is_some() { " result(value)" } else { "" };
    text += &wrapped(&format!("  {word} {name}({}){ending}", names.join(", ")));
    text += "    import\n";
    for dummy in dummies {
        if dummy.ty == Type::Choice {
            let _ = writeln!(text, "    !GCC$ ATTRIBUTES NO_ARG_CHECK :: {}", dummy.name);
        }
        match (&dummy.ty, pointer) {
            (Type::Pointer, Some(integer)) => {
                let _ = writeln!(text, "    {integer}, intent(out) :: {}", dummy.name);
            }
            // A buffer, which is not touched.
            (Type::Pointer, None) if module == Module::Mpi && dummy.name == "buffer_addr" => {
                let _ = writeln!(
                    text,
                    "    !GCC$ ATTRIBUTES NO_ARG_CHECK :: {0}\n    type(*), dimension(*) :: {0}",
                    dummy.name
                );
            }
            _ => {
                text += &wrapped(&format!(
                    "    {} :: {}{}",
                    declaration(dummy, module),
                    dummy.name,
                    shape(dummy, module)
                ))
            }
        }
    }
    if let Some(result) = result {
        let _ = writeln!(text, "    {result}");
    } else if kind::has_error_code(function) {
        text += match module {
            Module::Mpi => "    integer, intent(out) :: ierror\n",
            Module::F08 => "    integer, optional, intent(out) :: ierror\n",
        };
    }
    let _ = writeln!(text, "  end {word}");
    text
}

/// The type and attributes of an argument.
fn declaration(dummy: &Dummy, module: Module) -> String {
    let ty = match &dummy.ty {
        Type::Integer => "integer".to_owned(),
        Type::Logical => "logical".to_owned(),
        Type::Wide(kind) => format!("integer({kind})"),
        Type::Handle(_) | Type::Status if module == Module::Mpi => "integer".to_owned(),
        Type::Handle(c) => format!("type({c})"),
        Type::Status => "type(MPI_Status)".to_owned(),
        Type::Choice => "type(*), dimension(*)".to_owned(),
        Type::Pointer => "type(c_ptr)".to_owned(),
        Type::Text => "character(len=*)".to_owned(),
        Type::Procedure(_) if module == Module::Mpi => "external".to_owned(),
        Type::Procedure(name) => format!("procedure({name})"),
    };
    // Of a dummy argument with TARGET gfortran assumes that later calls may read and write it, even if the program
    // did not say ASYNCHRONOUS.
    let pending = match (&dummy.ty, dummy.asynchronous) {
        (Type::Choice, true) => ", target, asynchronous",
        (_, true) => ", asynchronous",
        (_, false) => "",
    };
    let intent = match dummy.intent {
        Intent::In if module == Module::Mpi && dummy.ty == Type::Choice => "",
        Intent::In => ", intent(in)",
        Intent::Out => ", intent(out)",
        Intent::InOut => ", intent(inout)",
        Intent::Unsaid => "",
    };
    format!("{ty}{intent}{pending}")
}

fn shape(dummy: &Dummy, module: Module) -> &str {
    match (&dummy.ty, module, dummy.shape.as_str()) {
        (Type::Status, Module::Mpi, "") => "(MPI_STATUS_SIZE)",
        (Type::Status, Module::Mpi, _) => "(MPI_STATUS_SIZE, *)",
        (_, _, shape) => shape,
    }
}

/// A line, continued where it would be too long for Fortran.
fn wrapped(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while rest.len() > 118 {
        let cut = rest[..118].rfind(", ").expect("a place to break") + 2;
        text += rest[..cut].trim_end();
        text += " &\n      ";
        rest = &rest[cut..];
    }
    text + rest + "\n"
}
