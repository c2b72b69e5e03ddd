//! The simulator's models of pictures, voices and judgements, priced by what each is sold by.

use super::catalogue;
use super::offers::{self, Offer, cents};
use crate::app::App;
use crate::db::Tx as _;
use contract::api::catalog::CreateProduct;
use contract::money::UnitRates;
use contract::snapshot::Modality;
use url::Url;

const ABOUT: &str = "Pictures, voices, transcripts and judgements of **Tollgate's model simulator**. \
Nothing is painted, spoken or heard: the picture is one colour, the voice one tone, the transcript \
always the same, and each says so. They are here to try the addresses and what they cost.";

pub async fn seed(app: &App, simulator_url: &Url) -> anyhow::Result<()> {
    let mut tx = app.system_tx("seed-demo", "offer the simulator's pictures and voices").await?;
    let provider = catalogue::provider(&mut tx, app, simulator_url).await?;
    let mut model_ids = Vec::new();
    for offer in list() {
        model_ids.push(offers::model(&mut tx, &provider, &offer).await?.id);
    }
    let product = CreateProduct {
        slug: "simulated-media".to_owned(),
        name: "Simulated pictures and voices".to_owned(),
        summary: "Image, speech, transcription and moderation models of the simulator.".to_owned(),
        description: ABOUT.to_owned(),
        model_ids,
    };
    let plan = offers::plan("pro", "Pro", "For programs in use.", 60_000, cents(100_000));
    offers::product(&mut tx, &product, &[plan]).await?;
    tx.commit().await?;
    Ok(())
}

fn list() -> [Offer; 4] {
    let offer = |name: &str, shown: &str, modality, units| Offer {
        name: name.to_owned(),
        display_name: shown.to_owned(),
        upstream_model: name.to_owned(),
        modality,
        context_tokens_max: 0,
        output_tokens_max: 0,
        input_usd: cents(0),
        output_usd: cents(0),
        cached_input_usd: None,
        per_call_usd: cents(0),
        units,
    };
    let free = UnitRates::FREE;
    [
        offer(
            "sim-image",
            "Simulator pictures",
            Modality::Image,
            UnitRates { image: cents(4).0, ..free },
        ),
        offer(
            "sim-speech",
            "Simulator speech",
            Modality::Speech,
            UnitRates { million_characters: cents(1_500).0, ..free },
        ),
        offer(
            "sim-transcribe",
            "Simulator transcription",
            Modality::Transcription,
            UnitRates { audio_minute: cents(1).0, ..free },
        ),
        Offer {
            input_usd: cents(10),
            ..offer("sim-moderate", "Simulator moderation", Modality::Moderation, free)
        },
    ]
}
