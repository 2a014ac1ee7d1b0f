//! One question to a server of the lab, as a client would ask it.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};

use crate::lab::error::chain;
use crate::lab::superuser;
use crate::tls::TlsClient;

/// For one connect and its question.
const DEADLINE: Duration = Duration::from_secs(3);

/// PostgreSQL's `SSLRequest`.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A setting, as a session through this port has it; an error's words otherwise.
pub(in crate::lab) async fn show(
    port: u16,
    tls: Option<&TlsClient>,
    setting: &str,
) -> Result<String, String> {
    let asked = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        match tls {
            None => ask(stream, setting).await,
            Some(tls) => ask(secured(stream, tls).await?, setting).await,
        }
    };
    match timeout(DEADLINE, asked).await {
        Ok(answer) => answer.map_err(|error| chain(&*error)),
        Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
    }
}

async fn secured(
    mut stream: TcpStream,
    tls: &TlsClient,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, Failed> {
    stream.write_all(&TLS_REQUEST).await?;
    match stream.read_u8().await? {
        b'S' => Ok(tls.handshake("127.0.0.1", stream).await?),
        _ => Err("it does not speak TLS".into()),
    }
}

async fn ask<S>(stream: S, setting: &str) -> Result<String, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut config = Config::new();
    config
        .user(superuser::USER)
        .password(superuser::PASSWORD)
        .dbname("postgres")
        .application_name("pgchaos lab")
        // The driver has nothing to do with it.
        .ssl_mode(SslMode::Disable);
    let (client, connection) = config.connect_raw(stream, NoTls).await?;
    let connection = tokio::spawn(connection);
    let row = client.query_one(&format!("SHOW {setting}"), &[]).await;
    drop(client);
    let _ = connection.await;
    Ok(row?.try_get::<_, String>(0)?)
}
