//! What Fortran makes of each C argument: the rules, and the names that are an exception to them.

use crate::header::{Argument, Function};

/// A type of Fortran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `integer`
    Integer,
    /// `logical`
    Logical,
    /// `integer` of the kind named.
    Wide(&'static str),
    /// A handle of the C type named.
    Handle(String),
    /// A status.
    Status,
    /// A buffer of any type, kind and rank.
    Choice,
    /// An address: `type(c_ptr)`; without `mpi_f08` also an integer.
    Pointer,
    /// `character(len=*)`
    Text,
    /// A procedure with the abstract interface named.
    Procedure(String),
}

/// What the procedure does with the argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Reads it.
    In,
    /// Writes it.
    Out,
    /// Reads and writes it.
    InOut,
    /// The standard gives none, as special addresses may be passed or the memory is used later.
    Unsaid,
}

/// An argument of a Fortran procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dummy {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its intent.
    pub intent: Intent,
    /// Its extents, with parentheses; empty for a scalar.
    pub shape: String,
    /// Whether the library may use it after the call.
    pub asynchronous: bool,
    /// The kind of `mpi-lite/src/fortran/arguments.rs` that passes it to C.
    pub rust: String,
    /// How many elements it has, as a Rust expression, for kinds that need to know.
    pub length: Option<String>,
}

/// Whether the standard gives the function a Fortran procedure. Handles are integers there, and tools are written in C.
pub fn in_fortran(function: &Function) -> bool {
    let conversion = ["toint", "fromint"].iter().any(|word| function.name.ends_with(word));
    !function.extension && !conversion && !function.name.starts_with("T_")
}

/// Whether the function is of MPI-1 and deprecated: `mpi_f08` does not have it.
pub fn is_old(function: &Function) -> bool {
    function.name.starts_with("Attr_") || function.name.starts_with("Keyval_")
}

/// Whether the procedure is a function, without an error code.
pub fn is_function(function: &Function) -> bool {
    function.result != "int"
}

/// Whether it has an error code as its last argument.
pub fn has_error_code(function: &Function) -> bool {
    !is_function(function) && function.name != "Pcontrol"
}

/// Whether `mpi-lite/src/fortran` has the procedure's body: those with subroutines of the program, values of attributes, and text
/// whose length depends on other arguments.
pub fn by_hand(function: &Function) -> bool {
    let names = [
        "Init",
        "Init_thread",
        "Info_create_env",
        "Pcontrol",
        "Info_get",
        "Info_get_string",
        "Session_get_nth_pset",
        "Comm_spawn",
        "Comm_spawn_multiple",
    ];
    let endings = ["_attr", "_free_keyval"];
    names.contains(&function.name.as_str())
        || endings.iter().any(|ending| function.name.ends_with(ending))
        || is_function(function)
        || is_old(function)
        || function
            .arguments
            .iter()
            .any(|a| matches!(of(function, a), Some(Dummy { ty: Type::Procedure(_), .. })))
}

/// The Fortran arguments of a function, without the error code.
pub fn dummies(function: &Function) -> Vec<Dummy> {
    function.arguments.iter().filter_map(|argument| of(function, argument)).collect()
}

/// What Fortran makes of one argument; none of `main`'s arguments, which Fortran programs do not have.
fn of(function: &Function, argument: &Argument) -> Option<Dummy> {
    let takes_main = function.arguments.iter().any(|a| a.name == "argc");
    if takes_main && matches!(argument.name.as_str(), "argc" | "argv") {
        return None;
    }
    let ty = ty(function, argument);
    let (rust, length) = rust(function, argument, &ty);
    Some(Dummy {
        name: match argument.name.as_str() {
            "indx" => "index".to_owned(),
            name => name.to_owned(),
        },
        intent: intent(function, argument, &ty),
        shape: shape(argument, &ty),
        asynchronous: asynchronous(function, argument, &ty),
        ty,
        rust,
        length,
    })
}

fn ty(function: &Function, argument: &Argument) -> Type {
    let logical = ["flag", "reorder", "periods", "remain_dims", "commute", "high", "weighted", "is_set"];
    match (argument.base.as_str(), argument.name.as_str()) {
        ("void", "baseptr" | "buffer_addr") => Type::Pointer,
        // Attributes of MPI-1 are integers.
        ("void", "extra_state" | "attribute_val") if is_old(function) => Type::Integer,
        ("void", "extra_state" | "attribute_val") => Type::Wide("MPI_ADDRESS_KIND"),
        ("void", _) => Type::Choice,
        ("char", _) => Type::Text,
        ("int", name) if logical.contains(&name) => Type::Logical,
        ("int", _) => Type::Integer,
        ("MPI_Aint", _) => Type::Wide("MPI_ADDRESS_KIND"),
        ("MPI_Count", _) => Type::Wide("MPI_COUNT_KIND"),
        ("MPI_Offset", _) => Type::Wide("MPI_OFFSET_KIND"),
        ("MPI_Status", _) => Type::Status,
        (base, _) if base.contains("_function") => Type::Procedure(base.to_owned()),
        (base, _) => Type::Handle(base.to_owned()),
    }
}

/// Arrays whose C form is a mere pointer.
fn is_array(argument: &Argument) -> bool {
    argument.brackets > 0
        || ["weights", "sourceweights", "destweights", "array_of_statuses"].contains(&argument.name.as_str())
}

fn shape(argument: &Argument, ty: &Type) -> String {
    match (ty, argument.name.as_str()) {
        (_, "ranges") => "(3, *)",
        (_, "array_of_argv") => "(count, *)",
        (Type::Text, "argv" | "array_of_commands") => "(*)",
        (Type::Choice | Type::Text | Type::Procedure(_), _) => "",
        _ if is_array(argument) => "(*)",
        _ => "",
    }
    .to_owned()
}

fn intent(function: &Function, argument: &Argument, ty: &Type) -> Intent {
    let name = function.name.as_str();
    let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    match (ty, argument.name.as_str()) {
        (Type::Status, _) if argument.constant => Intent::In,
        (Type::Status, _) if name.starts_with("Status_set_") => Intent::InOut,
        (Type::Status, _) | (_, "sourceweights" | "destweights" | "array_of_errcodes")
            if !argument.constant =>
        {
            Intent::Unsaid
        }
        (Type::Procedure(_), _) => Intent::Unsaid,
        (_, "attribute_val") if name.ends_with("get_attr") || name == "Attr_get" => Intent::Out,
        (_, "attribute_val" | "extra_state" | "ranges" | "argv" | "array_of_argv" | "array_of_commands") => {
            Intent::In
        }
        (Type::Choice, _) if matches!(name, "Get_address" | "Win_detach") => Intent::Unsaid,
        _ if argument.constant || argument.by_value() => Intent::In,
        (Type::Choice, "base") if name == "Free_mem" => Intent::In,
        (Type::Choice, _) => Intent::Unsaid,
        (Type::Handle(_), _) if ends(&["_free", "_commit", "_disconnect", "_close", "_finalize"]) => {
            Intent::InOut
        }
        (Type::Handle(_), "request" | "array_of_requests" | "message")
            if starts(&["Wait", "Test", "Start"])
                || matches!(name, "Cancel" | "Mrecv" | "Mrecv_c" | "Imrecv" | "Imrecv_c") =>
        {
            if argument.name == "request" && name.starts_with("Imrecv") { Intent::Out } else { Intent::InOut }
        }
        (_, "position" | "buflen" | "pset_len") => Intent::InOut,
        (_, "dims") if name == "Dims_create" => Intent::InOut,
        _ if name.ends_with("free_keyval") || name == "Keyval_free" => Intent::InOut,
        _ => Intent::Out,
    }
}

/// Whether the function starts something that the end of the call does not end.
fn is_pending(function: &Function) -> bool {
    let completes = ["Wait", "Test", "Start", "Cancel", "Request_free", "Grequest_start"];
    let makes_request = function.arguments.iter().any(|a| a.name == "request" && a.stars == 1);
    makes_request && !completes.contains(&function.name.as_str())
}

fn asynchronous(function: &Function, argument: &Argument, ty: &Type) -> bool {
    let small = function.small_name().unwrap_or(&function.name);
    let one_sided = [
        "Put",
        "Get",
        "Accumulate",
        "Get_accumulate",
        "Fetch_and_op",
        "Compare_and_swap",
        "Win_create",
        "Win_attach",
        "Win_detach",
        "Buffer_attach",
        "Comm_attach_buffer",
        "Session_attach_buffer",
        "Free_mem",
        "Get_address",
    ];
    let split = small.starts_with("File_") && (small.ends_with("_begin") || small.ends_with("_end"));
    match ty {
        Type::Choice => is_pending(function) || split || one_sided.contains(&small),
        Type::Handle(_) if argument.name == "newcomm" => is_pending(function),
        _ => is_pending(function) && is_array(argument),
    }
}

/// The kind that passes the argument to C, and the expression for its length.
fn rust(function: &Function, argument: &Argument, ty: &Type) -> (String, Option<String>) {
    let name = argument.name.as_str();
    let plain = |kind: &str| (kind.to_owned(), None);
    let with = |kind: &str, length: &str| (kind.to_owned(), Some(length.to_owned()));
    match ty {
        Type::Choice if argument.constant => plain("SendBuffer"),
        Type::Choice => plain("Buffer"),
        Type::Pointer => plain("PointerOut"),
        Type::Status if argument.constant => plain("StatusIn"),
        Type::Status => plain("Status"),
        Type::Text if argument.constant => with("Text", &format!("{name}_length")),
        Type::Text => with(&format!("TextOut<{{ {} as usize }}>", room(name)), &format!("{name}_length")),
        Type::Handle(c) => match (argument.by_value(), is_array(argument), argument.constant) {
            (true, ..) => plain(&format!("In<{c}>")),
            (_, false, _) => plain(&format!("Out<{c}>")),
            (_, true, true) => with(&format!("Handles<{c}>"), &handles(function, name)),
            (_, true, false) => with(&format!("HandlesOut<{c}>"), &handles(function, name)),
        },
        Type::Procedure(c) => plain(c),
        Type::Integer | Type::Logical | Type::Wide(_) => match name {
            "ranges" => plain("Ranges"),
            "weights" | "sourceweights" | "destweights" => {
                plain(if argument.constant { "Weights" } else { "WeightsOut" })
            }
            "indx" if !argument.constant && argument.stars == 1 => plain("Index"),
            "array_of_indices" => with("Indices", "*outcount"),
            "resultlen" => {
                let text =
                    function.arguments.iter().find(|a| a.base == "char").expect("text with a result length");
                with("ResultLength", &format!("{}_length", text.name))
            }
            _ => {
                let word = match argument.base.as_str() {
                    "int" => "Int",
                    "MPI_Aint" => "Aint",
                    "MPI_Count" => "Count",
                    _ => "Offset",
                };
                let form = match (argument.by_value(), argument.constant) {
                    (true, _) => "",
                    (false, true) => "s",
                    (false, false) => "Out",
                };
                (format!("{word}{form}"), None)
            }
        },
    }
}

/// The longest text of C with that name, with its NUL.
fn room(name: &str) -> &'static str {
    match name {
        "version" => "MPI_MAX_LIBRARY_VERSION_STRING",
        "name" => "MPI_MAX_PROCESSOR_NAME",
        "string" => "MPI_MAX_ERROR_STRING",
        "key" => "MPI_MAX_INFO_KEY",
        "port_name" => "MPI_MAX_PORT_NAME",
        "datarep" => "MPI_MAX_DATAREP_STRING",
        _ => "MPI_MAX_OBJECT_NAME",
    }
}

/// How many handles an array of them has.
fn handles(function: &Function, name: &str) -> String {
    let neighbours = function.name.to_lowercase().contains("neighbor");
    match name {
        "array_of_datatypes" => "*max_datatypes".to_owned(),
        "sendtypes" if neighbours => "neighbours_out(comm)".to_owned(),
        "recvtypes" if neighbours => "neighbours_in(comm)".to_owned(),
        "sendtypes" => "senders(comm, sendbuf)".to_owned(),
        "recvtypes" => "peers(comm)".to_owned(),
        _ if function.arguments.iter().any(|a| a.name == "incount") => "*incount".to_owned(),
        _ => "*count".to_owned(),
    }
}
