//! `GET /docs/quickstart`.

use crate::fault::Fault;
use crate::pages::samples;
use crate::visit::Visit;
use axum::response::Response;
use leptos::prelude::*;
use portal_app::components::{CodeBlock, PageHead, Samples, Section};
use portal_app::text::docs as text;

const SAMPLE_MODEL: &str = "your-model";

/// # Errors
/// When the control API does not answer a visitor who has a session.
pub async fn page(visit: Visit) -> Result<Response, Fault> {
    let me = visit.me().await.unwrap_or_default();
    let base = visit.app.config.gateway_base();
    let (chat, stream) = (samples::chat(&base, SAMPLE_MODEL), samples::stream(&base, SAMPLE_MODEL));
    Ok(visit.page(text::QUICKSTART, me.as_ref(), move || {
        view! {
            <article class="medium prose">
                <PageHead title=text::QUICKSTART lead=text::QUICKSTART_LEAD />
                <Section title=text::KEY>
                    <p>{text::KEY_TEXT}</p>
                    <CodeBlock
                        code=format!("export {}=tg_live_…", samples::KEY_VARIABLE)
                        what="the line that sets the key"
                    />
                </Section>
                <Section title=text::CALL>
                    <p>{text::CALL_TEXT}</p>
                    <Samples id="call" samples=chat />
                </Section>
                <Section title=text::STREAM>
                    <p>{text::STREAM_TEXT}</p>
                    <CodeBlock code=stream what="the streamed call" />
                </Section>
                <Section title=text::SEE><p>{text::SEE_TEXT}</p></Section>
            </article>
        }
    }))
}
