//! Where a server's Unix socket is: in its folder, by a name with the port in it.

use std::path::{Path, PathBuf};

/// The bytes that a socket's path may have (`sun_path`, without the NUL byte after it). libpq has the same limit for
/// abstract sockets.
const SOCKET_PATH_BYTES_MAX: usize =
    if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

/// `FOLDER/.s.PGSQL.PORT`.
pub(super) fn of(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!(".s.PGSQL.{port}"))
}

/// Says that a path is too long for a socket, if it is.
#[must_use]
pub fn too_long(path: &Path) -> Option<String> {
    let bytes = path.as_os_str().len();
    (bytes > SOCKET_PATH_BYTES_MAX).then(|| {
        format!(
            "the path of its Unix socket, {}, has {bytes} bytes, and the system takes {SOCKET_PATH_BYTES_MAX}",
            path.display()
        )
    })
}
