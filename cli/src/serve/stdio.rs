//! Stdin and stdout: one client, whose session is the process. Who asks the process to end is given what runs; who hung up before
//! that waits for nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;
use tokio::io::{AsyncRead, ReadBuf};

use super::{Front, Server};
use crate::failure::{Failure, chain};

/// Answers until the client hangs up, or `end` says so. A second `end` cuts short what the first one waits for.
pub(crate) async fn serve<End: Future<Output = ()>>(
    front: Arc<Front>,
    end: impl Fn() -> End,
) -> Result<(), Failure> {
    let server = Server::new(&front, false)?;
    let (stdin, stdout) = rmcp::transport::io::stdio_pipes();
    let hung_up = Arc::new(AtomicBool::new(false));
    let stdin = Watched {
        stdin,
        hung_up: Arc::clone(&hung_up),
    };
    let served = async {
        match server.serve((stdin, stdout)).await {
            Ok(running) => {
                let ended = running.waiting().await;
                ended.map_err(|e| Failure::host(format!("the server broke: {e}")))?;
                Ok(())
            }
            // A client that leaves before it says a word is no failure.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(Failure::host(chain(&error))),
        }
    };
    let asked = async {
        end().await;
        // Clients hang up first, and kill whoever is still there a moment after they asked.
        if !hung_up.load(Ordering::Relaxed) {
            front.close_unless(end()).await;
        }
    };
    tokio::select! {
        served = served => served,
        () = asked => Ok(()),
    }
}

/// Stdin, which says when it has ended.
struct Watched<R> {
    stdin: R,
    hung_up: Arc<AtomicBool>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.stdin).poll_read(context, buffer);
        if let Poll::Ready(read) = &read
            && (read.is_err() || (room > 0 && buffer.filled().len() == before))
        {
            self.hung_up.store(true, Ordering::Relaxed);
        }
        read
    }
}
