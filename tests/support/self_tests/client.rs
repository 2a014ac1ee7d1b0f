//! The clients that these tests look through: a session of tokio-postgres, and a bare socket.

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Error, NoTls};

/// For what must happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// For what must not: long enough to see it if it did.
pub(crate) const A_WHILE: Duration = Duration::from_millis(300);

pub(crate) struct Session {
    pub(crate) client: Client,
    /// Ends with the session; its result holds the cause.
    pub(crate) driver: JoinHandle<Result<(), Error>>,
}

pub(crate) async fn try_connect(url: &str) -> Result<Session, Error> {
    let (client, connection) =
        timeout(SOON, tokio_postgres::connect(url, NoTls)).await.expect("connected or failed")?;
    let driver = tokio::spawn(connection);
    Ok(Session { client, driver })
}

pub(crate) async fn connect(url: &str) -> Session {
    try_connect(url).await.expect("connected")
}

impl Session {
    pub(crate) async fn one(&self) -> i32 {
        let row = timeout(SOON, self.client.query_one("SELECT 1", &[])).await;
        row.expect("answered").expect("no error").get(0)
    }

    /// Says goodbye; returns when the server has been told.
    pub(crate) async fn leave(self) {
        drop(self.client);
        let end = timeout(SOON, self.driver).await.expect("ended").unwrap();
        end.expect("properly");
    }

    /// The SQLSTATE that the session ended with, if the server said one.
    pub(crate) async fn end(self) -> Option<String> {
        let end = timeout(SOON, self.driver).await.expect("ended").unwrap();
        let code = end.err()?.code()?.code().to_owned();
        Some(code)
    }
}

/// A connection that says nothing.
pub(crate) fn bare(port: u16) -> io::Result<TcpStream> {
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(SOON))?;
    Ok(socket)
}

/// Everything up to the end of file.
pub(crate) fn read_all(mut socket: &TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes)?;
    Ok(bytes)
}
