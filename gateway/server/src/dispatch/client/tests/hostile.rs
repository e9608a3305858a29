use super::behaviour::{self, Behaviour, CameTo, FLOOD_BYTES_MAX, Then};
use super::*;

/// Long enough for an exchange that is not slow on purpose, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(1);

/// A receiver that behaves so, and the most it got rid of on one connection.
async fn hostile(behaviour: &Arc<Behaviour>) -> (Receiver, Arc<AtomicUsize>) {
    let (behaviour, sent) = (Arc::clone(behaviour), Arc::new(AtomicUsize::new(0)));
    let most = Arc::clone(&sent);
    let receiver = receiver(move |stream, _| {
        let (behaviour, most) = (Arc::clone(&behaviour), Arc::clone(&most));
        async move {
            let sent = behaviour::play(stream, &behaviour).await?;
            most.fetch_max(sent, Ordering::SeqCst);
            Ok(())
        }
    })
    .await;
    (receiver, sent)
}

/// What went wrong with a behaviour, if anything did.
async fn judged(behaviour: Behaviour) -> Option<String> {
    let behaviour = Arc::new(behaviour);
    let (receiver, sent) = hostile(&behaviour).await;
    let client = client();
    let peer = client.peer(&receiver.url).unwrap();
    // Twice: what the first leaves behind must not become the second's answer.
    for turn in 1..=2 {
        let began = tokio::time::Instant::now();
        let exchange = client.exchange(&peer, || post(&peer), DEADLINE).await;
        let took = began.elapsed();
        let kind = exchange.failure.as_ref().map(|failure| failure.kind.as_str());
        if !behaviour.came_to.fits(exchange.status, kind) {
            return Some(format!("{}, turn {turn}: {exchange:?}", behaviour.name));
        }
        let slow = behaviour.came_to == CameTo::Failure("timeout");
        if took > DEADLINE + Duration::from_secs(2) || (slow && took < DEADLINE) {
            return Some(format!("{}, turn {turn}: took {took:?}", behaviour.name));
        }
        let kept = exchange.body.len() + exchange.headers.iter().map(|(_, value)| value.len()).sum::<usize>();
        if exchange.body.len() > 1_000 || kept > 20_000 {
            return Some(format!("{}, turn {turn}: {kept} bytes were kept", behaviour.name));
        }
    }
    // One who floods is cut off, or else it would have got rid of all it had.
    let flood = matches!(behaviour.then, Then::Flood(_));
    (flood && sent.load(Ordering::SeqCst) >= FLOOD_BYTES_MAX / 4).then(|| format!("{}: was let flood", behaviour.name))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_receiver_is_taken_for_what_it_is_in_bounded_time_and_space() {
    let behaviours = behaviour::all();
    assert!(behaviours.len() >= 40, "{}", behaviours.len());
    let wrong: Vec<String> =
        futures_util::future::join_all(behaviours.into_iter().map(judged)).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
