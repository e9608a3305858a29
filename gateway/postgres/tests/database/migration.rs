//! What migrating tells.

use crate::place::{Place, entropy};
use hookwright_postgres::migrate;

#[tokio::test]
async fn migrating_tells_its_steps_once() {
    let Some(place) = Place::new() else { return };
    assert_eq!(migrate(place.config(), entropy()).await.unwrap(), ["1 schema", "2 partners"]);
    let tables = place.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1");
    assert_eq!(migrate(place.config(), entropy()).await.unwrap(), Vec::<String>::new());
    let after = place.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1");
    assert_eq!(tables, after);
}
