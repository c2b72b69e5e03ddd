//! `thoughtSignature`: a field of bytes, so that what it carries has to be base64. Google's SDKs
//! decode it and encode it again, in the alphabet for URLs.

use super::media;
use crate::Wire;
use crate::neutral::Signature;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// How base64 of a packed signature begins, in either alphabet.
const PACKED: &str = "dG9sbGdhdGUu";

/// A signature for the field: Gemini's own as it is, another's packed.
pub(super) fn written(signature: &Signature) -> Cow<'_, str> {
    if signature.wire == Wire::Gemini {
        return signature.value.as_str().into();
    }
    STANDARD.encode(signature.packed(Wire::Gemini)).into()
}

pub(super) fn read(text: String) -> Signature {
    let packed = text.starts_with(PACKED).then(|| media::decode(&text)).flatten();
    match packed.map(String::from_utf8) {
        Some(Ok(packed)) => Signature::unpacked(&packed, Wire::Gemini),
        _ => Signature { wire: Wire::Gemini, value: text },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_comes_back_as_it_was_in_whatever_alphabet_an_sdk_sends_it() {
        for (wire, value) in [
            (Wire::Messages, "Eq?~>>??\u{fc}/+=="),
            (Wire::Gemini, "Ck0BdGhv/+=="),
            (Wire::Responses, "gAAAA.tollgate"),
        ] {
            let signature = Signature { wire, value: value.to_owned() };
            let field = written(&signature).into_owned();
            assert_eq!(read(field.clone()), signature);
            if wire != Wire::Gemini {
                let url = field.replace('+', "-").replace('/', "_");
                assert_eq!(read(url.trim_end_matches('=').to_owned()), signature);
            }
        }
    }
}
