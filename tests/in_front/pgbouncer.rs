//! `PgBouncer` in session mode, which asks for the password by SCRAM.

use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::outcome::SOON;
use crate::support::{Kept, Postgres, free_port, wait_until};

/// A running `PgBouncer`.
pub(crate) struct PgBouncer {
    kept: Kept,
    pub(crate) port: u16,
}

impl PgBouncer {
    /// Before this server, with these lines in its configuration.
    #[track_caller]
    pub(crate) fn start(server: &Postgres, more: &str) -> Self {
        let (folder, port) = (server.socket_dir(), free_port());
        let users = folder.join("users.txt");
        fs::write(&users, "\"postgres\" \"postgres\"\n").unwrap();
        let conf = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = session\n\
             ignore_startup_parameters = extra_float_digits,options\n{more}",
            server.port(),
            users.display()
        );
        let path = folder.join(format!("pgbouncer-{port}.ini"));
        fs::write(&path, conf).unwrap();
        let (name, args) = (format!("pgbouncer-{port}"), [path.display().to_string()]);
        let kept = Kept::start(server, &name, "/usr/sbin/pgbouncer", "TERM", &args);
        let pooler = Self { kept, port };
        wait_until(SOON, "PgBouncer listens", || {
            let log = pooler.kept.log();
            assert!(!log.contains("FATAL"), "{log}");
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        pooler
    }
}

/// The lines by which it demands TLS from clients, with this certificate.
pub(crate) fn demands_tls(server: &Postgres, key: &Path, certificate: &Path) -> String {
    let owner = fs::metadata(server.data_dir()).unwrap();
    let ours = |from: &Path, name: &str| {
        let to = server.socket_dir().join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, Permissions::from_mode(0o600)).unwrap();
        chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
        to.display().to_string()
    };
    format!(
        "client_tls_sslmode = require\nclient_tls_key_file = {}\nclient_tls_cert_file = {}\n",
        ours(key, "pgbouncer.key"),
        ours(certificate, "pgbouncer.crt")
    )
}
