//! Servers that speak TLS.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Postgres, command};

/// How long a key may take to make.
const DEADLINE: Duration = Duration::from_secs(60);

/// Makes the server speak TLS, with a certificate for `localhost` of its own making.
#[track_caller]
pub fn speak_tls(server: &Postgres) {
    let folder = tempfile::tempdir().unwrap();
    openssl(
        folder.path(),
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out crt.pem",
    );
    use_certificate(server, &folder.path().join("key.pem"), &folder.path().join("crt.pem"));
}

/// Runs openssl in this folder, with arguments that have no spaces in them.
#[track_caller]
pub fn openssl(folder: &Path, arguments: &str) {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args(arguments.split_whitespace());
    command::succeed(&mut openssl, DEADLINE);
}

/// Restarts the server with TLS and this certificate.
#[track_caller]
pub fn use_certificate(server: &Postgres, key: &Path, certificate: &Path) {
    let owner = fs::metadata(server.data_dir()).unwrap();
    for (from, name) in [(key, "server.key"), (certificate, "server.crt")] {
        let to = server.data_dir().join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, Permissions::from_mode(0o600)).unwrap();
        chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    server.psql("ALTER SYSTEM SET ssl = on");
    // A server that cannot use a certificate starts all the same after a reload, and not after a restart.
    server.restart();
}
