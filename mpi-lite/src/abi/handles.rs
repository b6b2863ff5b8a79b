//! Opaque handles and their predefined values other than datatypes and operations (annex A.1).

use super::handle_constants;

/// Every predefined handle is below this value (10 bits).
pub const PREDEFINED_END: usize = 0x400;

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(pub usize);

        impl $name {
            /// Whether this is one of the standard's fixed values (null handles included).
            #[inline]
            pub const fn is_predefined(self) -> bool {
                self.0 < PREDEFINED_END
            }
        }
    )*};
}

handles! {
    /// A communicator.
    MPI_Comm;
    /// A group of processes.
    MPI_Group;
    /// A datatype.
    MPI_Datatype;
    /// A reduction operation.
    MPI_Op;
    /// A request of a pending operation.
    MPI_Request;
    /// An error handler.
    MPI_Errhandler;
    /// A set of key and value pairs.
    MPI_Info;
    /// A message found by a matched probe.
    MPI_Message;
    /// A window for one-sided communication.
    MPI_Win;
    /// An open file.
    MPI_File;
    /// A session.
    MPI_Session;
}

handle_constants!(COMMS: MPI_Comm {
    MPI_COMM_NULL = 0x100;
    MPI_COMM_WORLD = 0x101;
    MPI_COMM_SELF = 0x102;
});

handle_constants!(GROUPS: MPI_Group {
    MPI_GROUP_NULL = 0x108;
    MPI_GROUP_EMPTY = 0x109;
});

handle_constants!(WINS: MPI_Win {
    MPI_WIN_NULL = 0x110;
});

handle_constants!(FILES: MPI_File {
    MPI_FILE_NULL = 0x118;
});

handle_constants!(SESSIONS: MPI_Session {
    MPI_SESSION_NULL = 0x120;
});

handle_constants!(MESSAGES: MPI_Message {
    MPI_MESSAGE_NULL = 0x128;
    MPI_MESSAGE_NO_PROC = 0x129;
});

handle_constants!(INFOS: MPI_Info {
    MPI_INFO_NULL = 0x130;
    MPI_INFO_ENV = 0x131;
});

handle_constants!(ERRHANDLERS: MPI_Errhandler {
    MPI_ERRHANDLER_NULL = 0x140;
    MPI_ERRORS_ARE_FATAL = 0x141;
    MPI_ERRORS_ABORT = 0x142;
    MPI_ERRORS_RETURN = 0x143;
});

handle_constants!(REQUESTS: MPI_Request {
    MPI_REQUEST_NULL = 0x180;
});
