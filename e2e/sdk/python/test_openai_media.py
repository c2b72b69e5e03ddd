"""OpenAI's SDK for Python, unchanged, against the gateway: pictures, voices, transcripts and
judgements, plain and streamed, and its own typed exceptions."""

import base64
import io
import struct
import sys
import zlib

import openai

from stack import GATEWAY, KEYS, Tests, equal, saying, served, until

IMAGE, SPEECH, TRANSCRIBE, MODERATE = "sim-image", "sim-speech", "sim-transcribe", "sim-moderate"
PROMPT = "A lighthouse in fog"
LONG = "A long text to be spoken, of which nobody hears the end."


def client(key="good"):
    return openai.OpenAI(base_url=GATEWAY + "/v1", api_key=KEYS.get(key, key), max_retries=0,
                         timeout=20)


def png(red):
    """A real picture of 4 by 4 pixels."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + bytes([red, 0, 0]) * 4) * 4))
    file = io.BytesIO(b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b""))
    file.name = f"{red}.png"
    return file


def wav(seconds):
    """Silence at 8 kHz."""
    sound = bytes(16_000 * seconds)
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16)
    file = io.BytesIO(b"RIFF" + struct.pack("<I", 36 + len(sound)) + head + b"data"
                      + struct.pack("<I", len(sound)) + sound)
    file.name = "silence.wav"
    return file


def is_png(text):
    assert base64.b64decode(text).startswith(b"\x89PNG"), text[:40]


def refused(kind, status, code, call):
    """`call` must raise exactly the SDK's own exception for `status`, with our code in it."""
    try:
        call()
    except openai.APIStatusError as error:
        equal((type(error).__name__, error.status_code, error.code), (kind.__name__, status, code))
        assert error.message and error.request_id, "a refusal carries a sentence and a request id"
        return error
    raise AssertionError(f"nothing was raised, wanted {kind.__name__}")


def generation():
    raw = client().images.with_raw_response.generate(model=IMAGE, prompt=PROMPT, n=2)
    answer = raw.parse()
    for image in answer.data:
        is_png(image.b64_json)
    count = served(raw.headers["x-request-id"])
    equal((len(answer.data), count["images"]), (2, 2))
    equal(answer.usage.output_tokens, count["output"])


def streamed_generation():
    stream = client().images.generate(model=IMAGE, prompt=PROMPT, stream=True, partial_images=2)
    events = list(stream)
    equal([event.type for event in events], ["image_generation.partial_image"] * 2
          + ["image_generation.completed"])
    is_png(events[-1].b64_json)
    assert events[-1].usage.output_tokens > 0


def edit():
    images = [png(10), png(20)]
    raw = client().images.with_raw_response.edit(model=IMAGE, image=images, mask=png(30),
                                                 prompt="Add a boat")
    is_png(raw.parse().data[0].b64_json)
    equal(served(raw.headers["x-request-id"])["media"], 3)


def streamed_edit():
    events = list(client().images.edit(model=IMAGE, image=png(10), prompt="Add a boat", stream=True))
    equal(events[-1].type, "image_edit.completed")


def variation():
    is_png(client().images.create_variation(model=IMAGE, image=png(10)).data[0].b64_json)


def speech():
    raw = client().audio.speech.with_raw_response.create(model=SPEECH, voice="alloy", input=LONG)
    equal(raw.headers["content-type"], "audio/wav")
    assert raw.content.startswith(b"RIFF")
    equal(served(raw.headers["x-request-id"])["characters"], len(LONG))


def streamed_speech():
    way = client().audio.speech.with_streaming_response
    with way.create(model=SPEECH, voice="alloy", input=saying("chunk_delay_ms=20", LONG)) as answer:
        pieces = list(answer.iter_bytes())
    assert len(pieces) > 1, "the voice came in one piece"
    return f"{len(pieces)} pieces"


def cut_speech():
    try:
        client().audio.speech.create(model=SPEECH, voice="alloy", input=saying("cut_after=2", LONG))
    except Exception as error:
        # What reads the body, and not the SDK, says that it is not whole.
        return f"{type(error).__name__}: {error}"
    raise AssertionError("a voice that was cut ended as if it were whole")


def transcript():
    raw = client().audio.transcriptions.with_raw_response.create(model=TRANSCRIBE, file=wav(3))
    answer = raw.parse()
    assert "simulated" in answer.text
    equal((answer.usage.type, answer.usage.seconds), ("duration", 3))
    equal(served(raw.headers["x-request-id"])["audio_ms"], 3_000)


def transcript_forms():
    make = client().audio.transcriptions.create
    verbose = make(model=TRANSCRIBE, file=wav(2), response_format="verbose_json")
    equal((float(verbose.duration), len(verbose.segments)), (2.0, 1))
    for form, starts in [("text", "This"), ("srt", "1\n"), ("vtt", "WEBVTT")]:
        text = make(model=TRANSCRIBE, file=wav(2), response_format=form)
        assert text.startswith(starts), text


def streamed_transcript():
    events = list(client().audio.transcriptions.create(model=TRANSCRIBE, file=wav(1), stream=True))
    said = "".join(e.delta for e in events if e.type == "transcript.text.delta")
    equal((events[-1].type, events[-1].text), ("transcript.text.done", said))


def translation():
    assert "simulated" in client().audio.translations.create(model=TRANSCRIBE, file=wav(1)).text


def judgement():
    answer = client().moderations.create(model=MODERATE, input=["fine", "not fine [[flag]]"])
    equal([result.flagged for result in answer.results], [False, True])
    assert answer.results[1].categories.violence


def cut_stream():
    stream = client().images.generate(model=IMAGE, prompt=saying("cut_after=1", PROMPT),
                                      stream=True, partial_images=2)
    seen = 0
    try:
        for _ in stream:
            seen += 1
    except openai.APIError as error:
        equal(seen, 1)
        return f"{type(error).__name__}: {error.message}"
    raise AssertionError("a cut stream ended as if it were whole")


def upstream_errors():
    make = client().images.generate
    refused(openai.RateLimitError, 429, "upstream.rate_limited",
            lambda: make(model=IMAGE, prompt=saying("status=429 retry_after=2")))
    refused(openai.InternalServerError, 502, "upstream.failed",
            lambda: make(model=IMAGE, prompt=saying("status=500")))


def bad_requests():
    images = client().images
    refused(openai.BadRequestError, 400, "request.malformed",
            lambda: images.generate(model=IMAGE, prompt=PROMPT, n=0))
    refused(openai.BadRequestError, 400, "model.operation",
            lambda: images.edit(model=SPEECH, image=png(1), prompt=PROMPT))
    try:
        images.edit(model=IMAGE, image=("a.png", b"not a picture"), prompt=PROMPT)
    except openai.BadRequestError as error:
        equal(error.param, "image")
        return
    raise AssertionError("nothing was raised, wanted BadRequestError")


def our_limit():
    speak = lambda: client("limited").audio.speech.create(model="sim-small", voice="a", input="a")
    refused(openai.BadRequestError, 400, "model.operation", speak)
    refused(openai.AuthenticationError, 401, "key.revoked",
            lambda: client("revoked").moderations.create(model=MODERATE, input="a"))
    refused(openai.PermissionDeniedError, 403, "subscription.missing",
            lambda: client("unsubscribed").audio.transcriptions.create(model=TRANSCRIBE, file=wav(1)))
    refused(openai.NotFoundError, 404, "model.unknown",
            lambda: client().images.generate(model="no-such-model", prompt=PROMPT))


def abort():
    way = client().audio.speech.with_streaming_response
    with way.create(model=SPEECH, voice="alloy", input=saying("hang=end", LONG)) as answer:
        request_id = answer.headers["x-request-id"]
        next(answer.iter_bytes())
    ended = lambda: served(request_id)["outcome"] != "running" and served(request_id)
    count, took = until("the provider is let go", ended, 20)
    return f"{count['outcome']} after {took:.2f} s"


def main():
    t = Tests()
    for name, scene in [
        ("pictures are made, and their usage is what the provider counted", generation),
        ("a stream of pictures comes event by event", streamed_generation),
        ("pictures are changed by a form with two of them and a mask", edit),
        ("a change is streamed", streamed_edit),
        ("a variation is made", variation),
        ("a text is spoken", speech),
        ("a voice is heard as it comes", streamed_speech),
        ("a voice that is cut does not end as if whole", cut_speech),
        ("a recording is written down, and its length is what the provider counted", transcript),
        ("a transcript comes as verbose JSON, text and subtitles", transcript_forms),
        ("a transcript is streamed", streamed_transcript),
        ("a recording is translated", translation),
        ("texts are judged", judgement),
        ("a stream of pictures that is cut raises instead of ending", cut_stream),
        ("a provider's failures raise RateLimitError and InternalServerError", upstream_errors),
        ("what is wrong with a request raises BadRequestError", bad_requests),
        ("our own refusals raise the exception of their status", our_limit),
        ("a voice the caller leaves lets the provider go", abort),
    ]:
        t.check(name, scene)
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
