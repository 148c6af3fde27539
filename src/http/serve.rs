//! The server: its workers, and which of their connections and paths lead to the gate. The paths themselves: `ROUTES`.

use super::gate::{self, Node};
use super::{Operation, ROUTES, Route};
use crate::hub::Hub;
use actix_web::dev::Server;
use actix_web::{App, HttpRequest, HttpServer, web};
use std::net::SocketAddr;
use std::time::Duration;

/// Threads of each worker for everything but packets on their way in.
const THREADS_BESIDE_PACKETS: usize = 64;

/// How long a connection is still read from after an answer that came before the end of a body.
const LINGER: Duration = Duration::from_secs(5);

/// Binds the configured address and starts to answer. The caller runs the server and stops it by its handle;
/// requests in flight are finished then. Gives the server and the address it listens on.
///
/// # Errors
/// When the address cannot be bound.
pub fn start(hub: Hub) -> std::io::Result<(Server, SocketAddr)> {
    let settings = hub.config.server.clone();
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let connections = hub.metrics.connections.clone();
    let node = Node::new(hub);
    let server = HttpServer::new(move || App::new().configure(|config| configure(config, &node)))
        .workers(workers)
        // A large packet keeps a thread as long as it is on its way in; downloads and files need some beside them.
        .worker_max_blocking_threads(settings.packets_in_flight_max.saturating_add(THREADS_BESIDE_PACKETS))
        .keep_alive(Duration::from_secs(settings.keep_alive_seconds))
        .client_request_timeout(Duration::from_secs(settings.head_timeout_seconds))
        .client_disconnect_timeout(LINGER)
        .shutdown_timeout(settings.shutdown_seconds)
        // The limit is one for all, actix counts by worker.
        .max_connections(settings.connections_max.div_ceil(workers).max(1))
        .tcp_nodelay(true)
        .on_connect(move |_, of_connection| {
            of_connection.insert(gate::Counted::one_more(&connections));
        })
        .disable_signals()
        .bind(settings.address.as_str())?;
    let address = server.addrs().into_iter().next();
    let address = address.ok_or_else(|| std::io::Error::other("the address names no socket"))?;
    Ok((server.run(), address))
}

/// Gives a worker its routes.
pub fn configure(config: &mut web::ServiceConfig, node: &Node) {
    let mut paths: Vec<&'static str> = Vec::new();
    for path in ROUTES.iter().map(|route| route.path) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    for path in paths {
        let routes: Vec<&'static Route> = ROUTES.iter().filter(|route| route.path == path).collect();
        config.service(web::resource(patterns(path, &routes)).to(handler(node.clone(), routes)));
    }
    config.default_service(web::to(handler(node.clone(), Vec::new())));
}

/// An SDK whose endpoint ends in a slash asks for `//sendEdoc`; a redirect would cost it the body. The number of a tile of
/// the ledger is written in several segments.
fn patterns(path: &str, routes: &[&Route]) -> Vec<String> {
    let is_sdk = routes.iter().any(|route| match route.operation {
        Operation::Sdk(_) => true,
        Operation::Alive | Operation::Ready | Operation::Description | Operation::Metrics => false,
        Operation::Verifier | Operation::Tiles(_) | Operation::Witness | Operation::Agency(_) => false,
        Operation::Admin(_) | Operation::Portal(_) => false,
    });
    if is_sdk { vec![path.to_owned(), format!("/{path}")] } else { vec![path.replace("{tile}", "{tile:.*}")] }
}

fn handler(
    node: Node,
    routes: Vec<&'static Route>,
) -> impl Fn(HttpRequest, web::Payload) -> std::pin::Pin<Box<dyn Future<Output = actix_web::HttpResponse>>> + Clone {
    move |request, payload| {
        let (node, routes) = (node.clone(), routes.clone());
        Box::pin(async move { gate::pass(node, &routes, request, payload).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sdks_paths_are_known_with_two_slashes() {
        let of = |path: &str| {
            let routes: Vec<&Route> = ROUTES.iter().filter(|route| route.path == path).collect();
            patterns(path, &routes)
        };
        assert_eq!(of("/sendEdoc"), ["/sendEdoc", "//sendEdoc"]);
        assert_eq!(of("/api/v1/sent"), ["/api/v1/sent"]);
    }
}
