//! TLS to the database: asked for, it is there, and who is not meant is refused.

use bilibili_session_fleet::{Database, Error};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::support::postgres::Postgres;

/// A certificate authority, and a server's certificate of it.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }
}

#[tokio::test]
async fn the_database_is_asked_through_tls_and_a_wrong_authority_is_refused() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let (ours, other) = (Authority::new(), Authority::new());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ours.issuer).unwrap().pem();
    let port = postgres.serve_tls(&certificate, &key.serialize_pem());
    let file = |name: &str, pem: &str| {
        let path = postgres.folder().join(name);
        std::fs::write(&path, pem).unwrap();
        path.display().to_string()
    };
    let (ours, other) = (file("ours.pem", &ours.pem), file("other.pem", &other.pem));
    let nothing = file("nothing.pem", "");

    // Returns whether the connection is encrypted, as the server sees it.
    let ask = async |host: &str, options: &str| {
        let url = format!("postgres://fleet@{host}:{port}/postgres?{options}");
        let database = Database::new(&url, 2)?;
        database.migrate().await?;
        database.is_encrypted().await
    };
    let full = |authorities: &str| format!("sslmode=verify-full&sslrootcert={authorities}");
    for (host, options, encrypted) in [
        ("localhost", "sslmode=disable".to_owned(), false),
        ("localhost", String::new(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("localhost", full(&ours), true),
        (
            "127.0.0.1",
            format!("sslmode=verify-ca&sslrootcert={ours}"),
            true,
        ),
    ] {
        let there = ask(host, &options).await;
        assert_eq!(there.unwrap(), encrypted, "{host} {options}");
    }
    for (host, options) in [
        ("localhost", full(&other)),
        ("localhost", format!("sslmode=require&sslrootcert={other}")),
        (
            "localhost",
            format!("sslmode=verify-ca&sslrootcert={other}"),
        ),
        // The certificate is not of this name, or of nobody whom the system knows.
        ("127.0.0.1", full(&ours)),
        ("localhost", "sslmode=verify-full".to_owned()),
    ] {
        match ask(host, &options).await {
            Err(Error::Connect(why)) => assert!(why.contains("certificate"), "{options}: {why}"),
            other => panic!("{host} {options}: {other:?}"),
        }
    }
    assert!(matches!(
        ask("localhost", &full(&nothing)).await,
        Err(Error::Usage(_))
    ));
    let missing = full(&format!("{nothing}.not"));
    assert!(matches!(
        ask("localhost", &missing).await,
        Err(Error::System { .. })
    ));

    // Required, it is not done without.
    postgres.serve_plainly();
    assert!(!ask("localhost", "").await.unwrap());
    assert!(ask("localhost", "sslmode=require").await.is_err());
}
