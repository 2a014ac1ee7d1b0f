//! The proxy's own loop: it listens, obeys orders, and starts a task for each connection.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener as StdListener};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::super::wait::within;
use super::connection::Connection;
use super::frames::{Request, Requests, fatal};
use super::mode::{End, Flow, Mode};
use super::shared::Shared;

/// A client that never closes its side is left after that.
const LINGER: Duration = Duration::from_secs(5);

/// What the test tells the proxy, each answered with the time just before it took effect.
#[derive(Debug)]
pub(super) enum Order {
    Become(Mode, mpsc::Sender<Instant>),
    EndAll(End, mpsc::Sender<Instant>),
}

pub(super) struct Server {
    port: u16,
    listener: Option<TcpListener>,
    mode: Mode,
    flow: watch::Sender<Flow>,
    shared: Arc<Shared>,
    connections: Vec<oneshot::Sender<Ending>>,
    /// Those that got nothing, until the mode is another.
    hanging: Vec<TcpStream>,
}

/// How a connection is to end, and where to say that it has.
struct Ending {
    end: End,
    done: oneshot::Sender<()>,
}

impl Server {
    /// Takes over `listener`; it needs the runtime around it.
    pub(super) fn new(listener: StdListener, port: u16, shared: Arc<Shared>) -> io::Result<Self> {
        Ok(Self {
            port,
            listener: Some(into_tokio(listener)?),
            mode: Mode::Pass,
            flow: watch::Sender::new(Mode::Pass.flow()),
            shared,
            connections: Vec::new(),
            hanging: Vec::new(),
        })
    }

    /// Until the test drops its end.
    pub(super) async fn run(mut self, mut orders: UnboundedReceiver<Order>) {
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                client = accept(self.listener.as_ref()) => self.serve(client),
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        let now = Instant::now();
        let done = match order {
            Order::Become(mode, done) => {
                self.switch_to(mode);
                done
            }
            Order::EndAll(end, done) => {
                self.end_all(end).await;
                done
            }
        };
        let _ = done.send(now);
    }

    fn switch_to(&mut self, mode: Mode) {
        if !mode.is_listening() {
            if let Some(listener) = self.listener.take() {
                stop_listening(&listener);
            }
        } else if self.listener.is_none() {
            let listener = listen(self.port).and_then(into_tokio);
            self.listener = Some(listener.unwrap_or_else(|error| panic!("listen again: {error}")));
        }
        self.hanging.clear();
        self.flow.send_replace(mode.flow());
        self.mode = mode;
    }

    /// Returns when each has ended, at both sides.
    async fn end_all(&mut self, end: End) {
        let mut ended = Vec::new();
        for connection in self.connections.drain(..) {
            let (done, wait) = oneshot::channel();
            if connection.send(Ending { end, done }).is_ok() {
                ended.push(wait);
            }
        }
        for wait in ended {
            // An error is one that ended by itself in this moment.
            let _ = wait.await;
        }
    }

    fn serve(&mut self, client: TcpStream) {
        let now = Instant::now();
        let earlier = self.shared.accepted().len();
        self.shared.accepted().push(now);
        let _ = client.set_nodelay(true);
        match &self.mode {
            Mode::CloseOnAccept => drop(tokio::spawn(close(client))),
            Mode::GarbageOnAccept => drop(tokio::spawn(answer_garbage(client))),
            Mode::Reject { sqlstate, message } => {
                drop(tokio::spawn(reject(client, fatal(sqlstate, message))));
            }
            Mode::PassEvery(nth) if !(earlier + 1).is_multiple_of(*nth) => {
                self.hanging.push(client);
            }
            Mode::PassEvery(_)
            | Mode::Pass
            | Mode::Silence
            | Mode::HoldAnswers
            | Mode::StopListening => {
                let (ending, ordered) = oneshot::channel();
                self.connections.retain(|connection| !connection.is_closed());
                self.connections.push(ending);
                let flow = self.flow.subscribe();
                tokio::spawn(connect(client, self.shared.clone(), flow, ordered));
            }
        }
    }
}

/// Binds the proxy's port, again and again: the standard library sets `SO_REUSEADDR`.
///
/// The last listener on this port, closed here, can live on for a moment in a child that another thread has forked and
/// that has not become its program yet.
pub(super) fn listen(port: u16) -> io::Result<StdListener> {
    let mut listener = StdListener::bind((Ipv4Addr::LOCALHOST, port));
    within(Duration::from_secs(5), || {
        if listener.is_err() {
            listener = StdListener::bind((Ipv4Addr::LOCALHOST, port));
        }
        listener.is_ok()
    });
    listener
}

/// Closing alone would not do: while a child that another thread has just forked still holds a copy, the kernel goes on
/// accepting for it, and resets those connections later. A shutdown ends the listening itself, for every copy.
fn stop_listening(listener: &TcpListener) {
    if let Err(error) = SockRef::from(listener).shutdown(Shutdown::Both) {
        // Elsewhere than on Linux a listener cannot be shut down: there closing has to do.
        assert_eq!(error.kind(), io::ErrorKind::NotConnected, "stop listening: {error}");
    }
}

fn into_tokio(listener: StdListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// The next client; never one without a listener. A client that left before it was accepted is none.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return pending().await;
    };
    loop {
        if let Ok((client, _)) = listener.accept().await {
            return client;
        }
    }
}

/// A connection's life: both sides, until it ends by itself or by order.
async fn connect(
    client: TcpStream,
    shared: Arc<Shared>,
    flow: watch::Receiver<Flow>,
    ordered: oneshot::Receiver<Ending>,
) {
    let open = shared.count_open();
    let mut server = None;
    let (end, done) = tokio::select! {
        biased;
        Ok(ending) = ordered => (ending.end, Some(ending.done)),
        end = carry(&client, &mut server, &shared, flow) => (end, None),
    };
    if let Some(server) = server.filter(|_| end == End::Abandoned) {
        shared.abandon(server);
    }
    let lingering = end_client(client, end).await;
    drop(open);
    drop(done);
    linger(lingering).await;
}

/// Both ways to the server; when that cannot be reached the client is closed, as a proxy with no live server does.
async fn carry(
    client: &TcpStream,
    server: &mut Option<TcpStream>,
    shared: &Shared,
    mut flow: watch::Receiver<Flow>,
) -> End {
    // A paused proxy does not dial either.
    if flow.wait_for(|flow| flow.to_server).await.is_err() {
        return End::Fin;
    }
    let Ok(connected) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.upstream())).await else {
        return End::Fin;
    };
    let _ = connected.set_nodelay(true);
    Connection::new(client, server.insert(connected), shared).run(flow).await
}

async fn close(client: TcpStream) {
    linger(end_client(client, End::Fin).await).await;
}

/// Ends the client's side, without waiting for the client; returns what a clean end still has to linger on.
async fn end_client(mut client: TcpStream, end: End) -> Option<TcpStream> {
    match end {
        End::Fin | End::Abandoned => {
            // An error is a client that is gone.
            let _ = client.shutdown().await;
            Some(client)
        }
        End::Reset => {
            let _ = client.set_zero_linger();
            None
        }
    }
}

/// What the client still says is read and forgotten until it closes too: the kernel would turn the close of a socket with
/// unread bytes into an RST.
async fn linger(client: Option<TcpStream>) {
    if let Some(client) = client {
        let _ = timeout(LINGER, forget(&client)).await;
    }
}

/// Reads until the client closes.
async fn forget(client: &TcpStream) {
    let mut chunk = [0; 4096];
    while client.readable().await.is_ok() {
        match client.try_read(&mut chunk) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {}
        }
    }
}

async fn answer_garbage(client: TcpStream) {
    let _ = client.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    close(client).await;
}

/// Hears the client out, so that the answer is one to its startup packet, and says no to encryption.
async fn reject(client: TcpStream, answer: Vec<u8>) {
    let mut requests = Requests::default();
    let mut chunk = [0; 4096];
    while client.readable().await.is_ok() {
        match client.try_read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => requests.feed(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        while let Some((request, _)) = requests.next() {
            if request == Request::Encryption {
                let _ = client.try_write(b"N");
            } else {
                let _ = client.try_write(&answer);
                return close(client).await;
            }
        }
    }
}
