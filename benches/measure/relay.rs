//! A relay before PostgreSQL that notes when each write came by and when it was answered: told by
//! another party than the sender.
//!
//! Threads that block in a read wake up at once, and cost less than the tests' proxy, which is made
//! for breaking things.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::support::{Request, Requests};

const CHUNK: usize = 64 * 1024;

/// A running relay on 127.0.0.1. Its connections end with those of their clients.
pub(crate) struct Relay {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    upstream: u16,
    sent: Mutex<Vec<Instant>>,
    answered: Mutex<Vec<Instant>>,
    is_done: AtomicBool,
}

impl Relay {
    pub(crate) fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            upstream,
            sent: Mutex::default(),
            answered: Mutex::default(),
            is_done: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let accepting = Some(thread::spawn(move || accept(&listener, &of_thread)));
        Self { port, shared, accepting }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// When each write came by, ascending. Writes that came in one read have the same time.
    pub(crate) fn sent(&self) -> Vec<Instant> {
        let mut sent = self.shared.sent.lock().unwrap().clone();
        sent.sort();
        sent
    }

    /// When writes were answered, ascending; right for connections with one write in flight.
    pub(crate) fn answered(&self) -> Vec<Instant> {
        let mut answered = self.shared.answered.lock().unwrap().clone();
        answered.sort();
        answered
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_done.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a client.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().map_while(Result::ok) {
        if shared.is_done.load(Ordering::SeqCst) {
            return;
        }
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.upstream)).unwrap();
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let is_asked = Arc::new(AtomicBool::new(false));
        let (of_answers, asked) = (Arc::clone(shared), Arc::clone(&is_asked));
        thread::spawn(move || {
            // An end of either side is an end, whatever the reason.
            let _ = carry_answers(from_server, &to_client, &of_answers, &asked);
            let _ = to_client.shutdown(Shutdown::Both);
        });
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let _ = carry_requests(client, &server, &shared, &is_asked);
            let _ = server.shutdown(Shutdown::Both);
        });
    }
}

fn carry_answers(
    mut server: TcpStream,
    mut client: &TcpStream,
    shared: &Shared,
    is_asked: &AtomicBool,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = server.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        if is_asked.swap(false, Ordering::SeqCst) {
            shared.answered.lock().unwrap().push(Instant::now());
        }
        client.write_all(&chunk[..count])?;
    }
}

fn carry_requests(
    mut client: TcpStream,
    mut server: &TcpStream,
    shared: &Shared,
    is_asked: &AtomicBool,
) -> io::Result<()> {
    let mut requests = Requests::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = client.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        let now = Instant::now();
        requests.feed(&chunk[..count]);
        let mut writes = 0;
        while let Some((request, _)) = requests.next() {
            writes += usize::from(request == Request::Insert);
        }
        is_asked.fetch_or(writes > 0, Ordering::SeqCst);
        server.write_all(&chunk[..count])?;
        shared.sent.lock().unwrap().extend(std::iter::repeat_n(now, writes));
    }
}
