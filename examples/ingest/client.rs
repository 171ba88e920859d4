//! The HTTP client, and the addresses that it can reach.

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

/// Why an https address is out of reach.
#[derive(Debug, thiserror::Error)]
#[error(
    "https needs TLS, which is not built in. Build it in: cargo run --release --example ingest --features tls"
)]
pub(crate) struct NoTls;

/// A client. Where a server redirects it to an address that it cannot reach, its error says so.
pub(crate) fn client() -> ClientBuilder {
    #[cfg(feature = "tls")]
    {
        // rustls needs a crypto provider. ring needs only a C compiler, and builds faster than the others. The result is an
        // error if a provider is installed already, and that is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder().redirect(Policy::custom(|attempt| match check(attempt.url()) {
        Ok(()) => Policy::default().redirect(attempt),
        Err(error) => attempt.error(error),
    }))
}

/// Fails for an https address in a build without TLS.
pub(crate) fn check(url: &Url) -> Result<(), NoTls> {
    if url.scheme() == "https" && !cfg!(feature = "tls") { Err(NoTls) } else { Ok(()) }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;

    #[test]
    fn with_tls_there_is_a_client_for_https_too() -> Result<(), Box<dyn std::error::Error>> {
        check(&"https://localhost/".parse()?)?;
        client().build()?;
        Ok(())
    }
}

#[cfg(all(test, not(feature = "tls")))]
mod tests {
    use std::error::Error;
    use std::io;

    use http_body_util::Empty;
    use hyper::body::Bytes;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Response, StatusCode};
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn without_tls_only_http_is_within_reach() -> Result<(), Box<dyn Error>> {
        assert!(check(&"http://localhost/".parse()?).is_ok());
        assert!(check(&"https://localhost/".parse()?).is_err());
        Ok(())
    }

    #[tokio::test]
    async fn a_redirect_out_of_reach_is_an_error_that_says_so() -> Result<(), Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        tokio::spawn(async move {
            let service = service_fn(async |_| {
                let elsewhere = Response::builder().status(StatusCode::FOUND);
                elsewhere.header("location", "https://localhost/").body(Empty::<Bytes>::new())
            });
            let (socket, _) = listener.accept().await?;
            let served = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            served.await.map_err(io::Error::other)
        });

        let error = client().no_proxy().build()?.get(url).send().await.expect_err("there is no TLS");
        assert!(error.is_redirect(), "{error}");
        let cause: Option<&NoTls> = error.source().and_then(|error| error.downcast_ref());
        assert!(cause.is_some(), "{error:?}");
        Ok(())
    }
}
