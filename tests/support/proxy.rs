//! A TCP proxy between the program under test and PostgreSQL that breaks on order.
//!
//! It lives in a thread and a runtime of its own, so a test may block, or pause its own clock. What a test orders is in
//! force when the call returns, and the returned time was taken just before: the change lies between the two.

mod connection;
mod frames;
mod mode;
mod server;
mod shared;
mod wire;

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{free_port, postgres};
pub use frames::{Request, Requests};
use mode::{End, Mode, Trap, When};
use server::{Order, Server, listen};
use shared::Shared;
pub use wire::{Token, Twist, Wire};

const ORDER_DEADLINE: Duration = Duration::from_secs(10);

/// A running proxy on 127.0.0.1. It starts as one that passes everything; its drop closes everything.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy before the server on `upstream_port`, which need not be up.
    pub fn start(upstream_port: u16) -> Self {
        let port = free_port();
        let shared = Arc::new(Shared::new(upstream_port));
        let listener = listen(port).unwrap();
        let (orders, received) = unbounded_channel();
        let of_thread = shared.clone();
        let thread = thread::Builder::new()
            .name(format!("proxy {port}"))
            .spawn(move || {
                let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    Server::new(listener, port, of_thread).unwrap().run(received).await;
                });
            })
            .unwrap();
        Self { port, shared, orders: Some(orders), thread: Some(thread) }
    }

    /// Its port on 127.0.0.1, the same whatever it does.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How a client reaches the server through it.
    pub fn url(&self) -> String {
        postgres::url(self.port)
    }

    /// Normal again: it listens, and passes on everything, also what it held.
    pub fn pass(&self) -> Instant {
        self.switch_to(Mode::Pass)
    }

    /// Refuses new connections (ECONNREFUSED), and those that were there get a FIN.
    pub fn refuse(&self) -> Instant {
        let now = self.stop_listening();
        self.cut();
        now
    }

    /// Stops listening, and the connections that are there go on. Any other mode listens again.
    pub fn stop_listening(&self) -> Instant {
        self.switch_to(Mode::StopListening)
    }

    /// Ends the connections that are there by a FIN: the client reads an end of file. New ones get what the mode is.
    pub fn cut(&self) -> Instant {
        self.order(|done| Order::EndAll(End::Fin, done))
    }

    /// The same by an RST: the client gets a connection reset.
    pub fn reset(&self) -> Instant {
        self.order(|done| Order::EndAll(End::Reset, done))
    }

    /// Ends the connections that are there by a FIN to the client, and keeps their sessions on the server open, as a
    /// network cut does: the server does not notice. They end with the proxy.
    pub fn abandon(&self) -> Instant {
        self.order(|done| Order::EndAll(End::Abandoned, done))
    }

    /// The answers to the next `writes` writes are made to say something else.
    pub fn twist_next(&self, writes: usize, twist: &Twist) {
        self.shared.add_twists(writes, twist);
    }

    /// From now on the answers to all writes are made to say something else, or nothing but what they say.
    pub fn twist_all(&self, twist: Option<Twist>) {
        self.shared.twist_all(twist);
    }

    /// What it has seen of the load's writes so far.
    pub fn wire(&self) -> Wire {
        self.shared.wire().clone()
    }

    /// New connections are accepted and closed without a byte, as by a proxy that has no live server.
    pub fn close_on_accept(&self) -> Instant {
        self.switch_to(Mode::CloseOnAccept)
    }

    /// Nothing moves any more, either way, on old connections and new ones, which stay open: a paused proxy.
    ///
    /// [`Proxy::pass`] delivers what was held. It notices no end of a client meanwhile, and what that client had sent
    /// reaches the server then: as through a real one.
    pub fn silence(&self) -> Instant {
        self.switch_to(Mode::Silence)
    }

    /// Every `nth` new connection passes, the others are accepted and get nothing: a proxy that shares out connections
    /// and has not noticed that the other servers are dead. Those that hang are closed with the next mode.
    pub fn pass_every(&self, nth: usize) -> Instant {
        self.switch_to(Mode::PassEvery(nth))
    }

    /// The server hears the client, and the client does not hear the server.
    pub fn hold_answers(&self) -> Instant {
        self.switch_to(Mode::HoldAnswers)
    }

    /// New connections get bytes that are no PostgreSQL, and a FIN.
    pub fn garbage_on_accept(&self) -> Instant {
        self.switch_to(Mode::GarbageOnAccept)
    }

    /// New connections get a FATAL error of this SQLSTATE for their startup packet, and a FIN.
    pub fn reject_new_with(&self, sqlstate: &str, message: &str) -> Instant {
        self.switch_to(Mode::Reject { sqlstate: sqlstate.to_owned(), message: message.to_owned() })
    }

    /// New connections go to another server: a failover. Old ones stay where they are.
    pub fn retarget(&self, upstream_port: u16) -> Instant {
        let now = Instant::now();
        self.shared.set_upstream(upstream_port);
        now
    }

    /// The next write (a Bind with five parameters or more) reaches the server, which answers it, and its connection gets
    /// a FIN instead of that answer. Earlier answers are passed on; what was pipelined after it is dropped.
    ///
    /// Traps are used up in the order of their making. They see nothing in an encrypted connection.
    pub fn cut_after_next_insert(&self) -> Armed {
        self.arm(When::After)
    }

    /// The next write does not reach the server, nor what was pipelined after it, and its connection gets a FIN.
    pub fn cut_before_next_insert(&self) -> Armed {
        self.arm(When::Before)
    }

    /// How many connections it has accepted, in all modes.
    pub fn connections_accepted(&self) -> u64 {
        self.shared.accepted().len().try_into().unwrap()
    }

    /// When it accepted each of them.
    pub fn accept_times(&self) -> Vec<Instant> {
        self.shared.accepted().clone()
    }

    /// How many connections are on their way to a server, or wait for one.
    pub fn open_connections(&self) -> usize {
        self.shared.open()
    }

    fn arm(&self, when: When) -> Armed {
        let (fired, receiver) = mpsc::channel();
        self.shared.set_trap(Trap { when, fired });
        Armed { fired: receiver }
    }

    fn switch_to(&self, mode: Mode) -> Instant {
        self.order(|done| Order::Become(mode, done))
    }

    fn order(&self, order: impl FnOnce(mpsc::Sender<Instant>) -> Order) -> Instant {
        let (done, wait) = mpsc::channel();
        let orders = self.orders.as_ref().expect("set until the drop");
        orders.send(order(done)).expect("the proxy's thread lives");
        wait.recv_timeout(ORDER_DEADLINE).expect("the proxy obeys at once")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, the order that made it panic has told the test.
            let _ = thread.join();
        }
    }
}

/// A trap for the next write. Dropping this does not disarm it.
#[must_use]
pub struct Armed {
    fired: mpsc::Receiver<Instant>,
}

impl Armed {
    /// Waits until it has cut its connection, and says when it did. Panics after `deadline`, and when the connection
    /// ended otherwise after the write was seen.
    #[track_caller]
    pub fn wait(&self, deadline: Duration) -> Instant {
        self.fired
            .recv_timeout(deadline)
            .unwrap_or_else(|error| panic!("no write was cut within {deadline:?}: {error}"))
    }
}
