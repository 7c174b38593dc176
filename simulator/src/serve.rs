//! A world behind sockets: both shells over one lock.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, Uri},
    middleware::{self, Next},
    response::Response,
    routing::post,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    faults::AwsMishap,
    http::{
        aws::{self, Backend, Call, Credential, Reply},
        panos,
        tls::{Identity, TlsError, TlsListener},
    },
    world::World,
};

/// A world that the shells and whoever tells its story have in common.
#[derive(Clone, Debug)]
pub struct SharedWorld(Arc<Mutex<World>>);

/// Why a world cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket says no.
    #[error("cannot use the socket: {0}")]
    Socket(#[from] io::Error),
    /// The certificate says no.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A world that is being served, until this is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where the firewall listens.
    pub panos: SocketAddr,
    /// Where EC2 and S3 listen.
    pub aws: SocketAddr,
    tasks: [JoinHandle<io::Result<()>>; 2],
}

/// The second unit of a pair that is being served, until this is dropped.
#[derive(Debug)]
pub struct Standby {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SharedWorld {
    /// Serves the second unit of a pair. Must be called within a runtime.
    pub fn serve_standby(&self, listener: TcpListener) -> Result<Standby, ServeError> {
        let world = self.clone();
        let router = panos::router(move |request| world.lock().panos_unit(1, request));
        let router = router.layer(middleware::from_fn_with_state(self.clone(), answer_in_time));
        let address = listener.local_addr()?;
        Ok(Standby { address, task: tokio::spawn(axum::serve(listener, router).into_future()) })
    }

    /// Puts a world behind a lock.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// The world, while nobody else has it. Never held while waiting.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        // A panic of one request is that request's affair.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves the world on two sockets; the firewall with TLS if it has an identity. Must be called within a runtime.
    pub fn serve(
        self,
        panos: TcpListener,
        aws: TcpListener,
        identity: Option<&Identity>,
    ) -> Result<Served, ServeError> {
        let (panos_address, aws_address) = (panos.local_addr()?, aws.local_addr()?);
        let firewall = self.panos();
        let firewall = match identity {
            Some(identity) => {
                let listener = TlsListener::new(panos, identity)?;
                tokio::spawn(axum::serve(listener, firewall).into_future())
            }
            None => tokio::spawn(axum::serve(panos, firewall).into_future()),
        };
        let cloud = tokio::spawn(aws::serve(aws, Arc::new(self)));
        Ok(Served { panos: panos_address, aws: aws_address, tasks: [firewall, cloud] })
    }

    /// The firewall as a service, and the way in to it that no firewall has.
    pub fn panos(&self) -> Router {
        let (world, controlled) = (self.clone(), self.clone());
        let router = panos::router(move |request| world.lock().panos(request));
        let router = router.route("/_simulator/{deed}", post(async move |uri: Uri| controlled.control(&uri)));
        router.layer(middleware::from_fn_with_state(self.clone(), answer_in_time))
    }
}

impl SharedWorld {
    fn control(&self, uri: &Uri) -> (StatusCode, String) {
        let deed = uri.path().rsplit('/').next().unwrap_or_default();
        let fields: Vec<_> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        match self.lock().control_firewall(deed, &fields) {
            Ok(told) => (StatusCode::OK, format!("{told}\n")),
            Err(wrong) => (StatusCode::BAD_REQUEST, format!("{wrong}\n")),
        }
    }
}

impl Backend for SharedWorld {
    fn answer(&self, call: Call, credential: Option<Credential>) -> Reply {
        let access_key = credential.map_or_else(|| "anonymous".to_owned(), |credential| credential.access_key);
        let mut world = self.lock();
        let answer = world.aws(&call, &access_key);
        match world.aws_mishap() {
            Some(AwsMishap::Half) => Reply::Half(answer),
            Some(AwsMishap::Slow) => Reply::Late(answer),
            Some(AwsMishap::Empty | AwsMishap::SamePage) | None => Reply::Whole(answer),
        }
    }
}

/// Nobody waits as long as a slow answer takes.
const SLOW: Duration = Duration::from_secs(3600);

async fn answer_in_time(State(world): State<SharedWorld>, request: Request, next: Next) -> Response {
    let slow = {
        let mut world = world.lock();
        world.note_url(request.uri().to_string());
        world.is_slow()
    };
    if slow {
        tokio::time::sleep(SLOW).await;
    }
    next.run(request).await
}

impl Drop for Served {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::timeout,
    };

    use super::*;
    use crate::{faults::Command, script::Script};

    /// Sends one form and returns everything that comes back.
    async fn send(address: SocketAddr, path: &str, headers: &str, form: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = form.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn served(world: &SharedWorld) -> Served {
        let (panos, aws) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        world.clone().serve(panos, aws, None).unwrap()
    }

    #[tokio::test]
    async fn both_shells_show_the_same_world() {
        let world = SharedWorld::new(World::build(&Script::parse("test", "").unwrap()).unwrap());
        let served = served(&world).await;
        let key = format!("X-PAN-KEY: {}\r\n", world.lock().key());
        let info =
            send(served.panos, "/api/", &key, "type=op&cmd=%3Cshow%3E%3Csystem%3E%3Cinfo/%3E%3C/system%3E%3C/show%3E");
        assert!(info.await.contains("<sw-version>"));
        assert!(send(served.aws, "/", "", "Action=DescribeInstances").await.contains("10.0.0.10"));

        world.lock().advance(Duration::from_secs(60));
        let clock = send(served.panos, "/api/", &key, "type=op&cmd=%3Cshow%3E%3Cclock/%3E%3C/show%3E").await;
        assert!(clock.contains("08:01:00"), "{clock}");
    }

    #[tokio::test]
    async fn the_firewall_has_a_way_in_for_packets() {
        let setup = "firewall\nrule web any -> any allow\n----\n";
        let world = SharedWorld::new(World::build(&Script::parse("test", setup).unwrap()).unwrap());
        let served = served(&world).await;
        let packet = "/_simulator/packet?from=untrust&to=trust&source=203.0.113.7&destination=10.0.0.1";
        let told = send(served.panos, packet, "", "").await;
        assert!(told.starts_with("HTTP/1.1 200 OK") && told.ends_with("{\"rule\":\"web\"}\n"), "{told}");
        let told = send(served.panos, "/_simulator/packet", "", "").await;
        assert!(told.starts_with("HTTP/1.1 400 ") && told.ends_with("`from` is missing\n"), "{told}");
    }

    #[tokio::test]
    async fn a_slow_answer_does_not_come_while_anybody_waits() {
        let story = Script::parse("test", "fault poll 1 slow\n----\n").unwrap();
        let world = SharedWorld::new(World::build(&story).unwrap());
        world.lock().perform(&story.blocks[0].deeds[0].what).unwrap();
        let served = served(&world).await;
        world.lock().begin(Command::Poll);
        let asked = timeout(Duration::from_millis(50), send(served.panos, "/api/", "", "type=op"));
        assert!(asked.await.is_err());
        world.lock().begin(Command::Poll);
        assert!(send(served.panos, "/api/", "", "type=op").await.contains("403"));
    }
}
