//! The process of the other side, from here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bilibili_session::{ClientConfig, Credential, Hosts};
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::ledger::All;
use crate::server::{Place, Sent, Totals};

/// Ends when this is dropped: its stdin does.
pub(crate) struct OtherSide {
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
    place: Place,
}

impl OtherSide {
    pub(crate) fn start(rate: f64, seed: u64) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--rate", &rate.to_string(), "--seed", &seed.to_string()])
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take();
        let answers = child.stdout.take().ok_or("the other side has no stdout")?;
        let mut answers = BufReader::new(answers);
        let place = read(&mut answers)?;
        Ok(Self {
            orders,
            answers,
            child,
            place,
        })
    }

    pub(crate) fn context(&self) -> Result<ClientConfig, Failure> {
        let credential = Credential::builder()
            .sessdata(&self.place.sessdata)
            .bili_jct(&self.place.bili_jct)
            .build()?;
        Ok(ClientConfig::new(credential).hosts(Hosts::origin(&self.place.origin)?))
    }

    /// Messages arrive from now on.
    pub(crate) fn begin(&mut self) -> Result<(), Failure> {
        self.order("begin")
    }

    /// Ends the arrival of messages.
    pub(crate) fn end(&mut self) -> Result<Totals, Failure> {
        self.order("end")?;
        read(&mut self.answers)
    }

    /// Ends the other side; returns all that should have come, and the number of replies.
    pub(crate) fn leave(&mut self, totals: Totals) -> Result<All, Failure> {
        self.order("leave")?;
        let Sent { replies } = read(&mut self.answers)?;
        self.orders = None;
        self.child.wait()?;
        Ok(All { totals, replies })
    }

    fn order(&mut self, order: &str) -> Result<(), Failure> {
        let orders = self.orders.as_mut().ok_or("the other side is gone")?;
        writeln!(orders, "{order}")?;
        Ok(orders.flush()?)
    }
}

fn read<T: DeserializeOwned>(answers: &mut BufReader<ChildStdout>) -> Result<T, Failure> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}
