//! A drill's commands are led to the servers that its load has: the same hosts, addresses, sockets and zones.

use std::fs;

use crate::servers::At::{Dead, Primary, Standby};
use crate::servers::Servers;
use crate::support::{Gen, pgchaos};

/// What a drill's command reaches with psql and the variables that it is given.
fn command_reaches(connection: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, said) = (folder.path().join("drill.toml"), folder.path().join("said"));
    let text = format!(
        "title = 'where to'\n\
         [load]\nrate = 20\n\
         [[step]]\n\
         exec = '''psql -AtXqc \"SELECT coalesce(inet_server_port(), 0), current_setting('transaction_read_only')\" > {0}; \
                   echo \"$PGHOST $PGPORT $PGHOSTADDR\" >> {0}'''\n\
         [expect]\nlost = 0\n\
         [hooks]\nheal = 'true'\nhealthy = 'true'\nkill.leader = 'true'\nleader = 'echo pg1'\n",
        said.display()
    );
    fs::write(&file, text).unwrap();
    let drill = Gen::start_drill([file.to_str().unwrap(), "-d", connection], |_, _| {});
    let finished = drill.finish();
    assert_eq!(finished.code, 0, "{connection}: {}", finished.stderr);
    fs::read_to_string(&said).unwrap()
}

#[test]
fn lead_to_the_server_that_writes() {
    let servers = Servers::start();
    let [primary, standby, dead] = [Primary, Standby, Dead].map(|at| servers.port(at));
    let hosts = [Dead, Standby, Primary];
    let ports = format!("{dead},{standby},{primary}");
    for connection in
        [servers.uri(&hosts, ""), servers.key_value(&hosts, "target_session_attrs=primary")]
    {
        let said = format!("{primary}|off\n127.0.0.1,127.0.0.1,127.0.0.1 {ports} \n");
        assert_eq!(command_reaches(&connection), said, "{connection}");
    }
    let account = "user=postgres password=postgres dbname=postgres";
    let by_address = format!(
        "host=a.invalid,b.invalid,c.invalid hostaddr=127.0.0.1,127.0.0.1,127.0.0.1 port={ports} {account}"
    );
    let said = format!(
        "{primary}|off\na.invalid,b.invalid,c.invalid {ports} 127.0.0.1,127.0.0.1,127.0.0.1\n"
    );
    assert_eq!(command_reaches(&by_address), said);
    let folder = servers.primary.socket_dir().display();
    let by_socket = format!("host=@nothing-here,{folder} port={dead},{primary} {account}");
    let said = format!("0|off\n@nothing-here,{folder} {dead},{primary} \n");
    assert_eq!(command_reaches(&by_socket), said);
}

/// A load cannot write to what is asked for here, and its commands would be led elsewhere than the load.
#[test]
fn are_not_led_to_a_standby() {
    let servers = Servers::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drill.toml");
    let text = "title = 'x'\n[[step]]\nwait = '1s'\n[hooks]\nheal = 'true'\nhealthy = 'true'\nleader = 'echo pg1'\n";
    fs::write(&file, text).unwrap();
    let uri = servers.uri(&[Primary, Standby], "target_session_attrs=standby");
    let output =
        pgchaos(folder.path(), ["drill", "run"]).arg(&file).args(["-d", &uri]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(words.contains("target_session_attrs=standby"), "{words}");
    assert!(!output.status.success());
    assert_eq!(
        servers.primary.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'pgchaos'"),
        "0"
    );
}
