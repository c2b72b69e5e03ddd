//! A small PNG of one colour, which depends on what was asked for.

const SIDE: u32 = 16;

/// A picture of 16 by 16 pixels, that says in its text who made it.
pub(super) fn png(about: &str) -> Vec<u8> {
    let hash = crc(about.as_bytes());
    let [red, green, blue, _] = hash.to_be_bytes();
    // Of each row: no filter, then its pixels.
    let mut row = vec![0];
    (0..SIDE).for_each(|_| row.extend([red, green, blue]));
    let pixels: Vec<_> = (0..SIDE).flat_map(|_| row.clone()).collect();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend(SIDE.to_be_bytes());
    head.extend(SIDE.to_be_bytes());
    head.extend([8, 2, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &head);
    chunk(&mut file, b"tEXt", b"Software\0Tollgate's simulator: no model runs here");
    chunk(&mut file, b"IDAT", &zlib(&pixels));
    chunk(&mut file, b"IEND", b"");
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    file.extend(u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
    let summed = [kind.as_slice(), body].concat();
    file.extend(&summed);
    file.extend(crc(&summed).to_be_bytes());
}

/// Bytes as they are, in the frame of a zlib stream; up to 65,535 of them.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap_or(0);
    let mut out = vec![0x78, 0x01, 0x01];
    out.extend(len.to_le_bytes());
    out.extend((!len).to_le_bytes());
    out.extend(bytes);
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    out.extend((b << 16 | a).to_be_bytes());
    out
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_that_the_formats_define() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(zlib(b"Wikipedia")[16..], 0x11e6_0398_u32.to_be_bytes());
        assert!(png("a").starts_with(b"\x89PNG\r\n\x1a\n"));
        assert_ne!(png("a"), png("b"));
    }
}
