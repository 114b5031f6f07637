"""One tone per party, made and recognised, so that a recording proves who was heard. Python's standard library only."""
import array
import math
import sys
import wave

# No tone is a low harmonic of another (G.711 clipping makes odd harmonics) and none lies near a DTMF frequency.
TONES = {"A": 440, "B": 580, "C": 1040, "D": 1270, "E": 1550, "F": 1850, "G": 2420}
WINDOW = 0.1  # seconds looked at together
AUDIBLE = 0.02  # amplitude, 1 is full scale


def make(path, party, seconds=120, rate=8000, amplitude=0.25):
    """Writes a WAV with the party's tone. Baresip ends a call at the end of its file: make it longer than the call."""
    step = 2 * math.pi * TONES[party] / rate
    period = array.array("h", (int(amplitude * 32767 * math.sin(step * i)) for i in range(rate)))
    if sys.byteorder == "big":
        period.byteswap()
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        for _ in range(seconds):
            out.writeframes(period.tobytes())
    return path


def samples(path):
    """(samples, rate) of a PCM16 WAV's first channel, also of one whose header was never completed, or isn't there yet."""
    data = open(path, "rb").read()
    if b"data" not in data:
        return array.array("h"), 8000
    at = data.find(b"data") + 8
    channels, rate = int.from_bytes(data[22:24], "little"), int.from_bytes(data[24:28], "little")
    pcm = array.array("h", data[at:at + (len(data) - at) // 2 * 2])
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm[::channels], rate


def amplitude(window, rate, frequency):
    """Goertzel: amplitude of one frequency, 0 to 1."""
    coefficient = 2 * math.cos(2 * math.pi * frequency / rate)
    s1 = s2 = 0.0
    for value in window:
        s1, s2 = value + coefficient * s1 - s2, s1
    power = s1 * s1 + s2 * s2 - coefficient * s1 * s2
    return 2 * math.sqrt(max(power, 0.0)) / len(window) / 32768


def heard(path, start=0.0, end=None):
    """{party: share of the windows between start and end (seconds) in which its tone is audible}."""
    pcm, rate = samples(path)
    size = int(rate * WINDOW)
    first, last = int(start / WINDOW), len(pcm) // size if end is None else min(int(end / WINDOW), len(pcm) // size)
    windows = [pcm[i * size:(i + 1) * size] for i in range(first, last)]
    if not windows:
        return {party: 0.0 for party in TONES}
    return {party: sum(amplitude(w, rate, f) >= AUDIBLE for w in windows) / len(windows) for party, f in TONES.items()}


def parties_heard(path, share=0.3, start=0.0, end=None):
    """The parties audible in at least `share` of the windows."""
    return {party for party, part in heard(path, start, end).items() if part >= share}


def heard_last(path, seconds=2.0, before_end=0.3, share=0.3):
    """The parties audible in the last seconds of a recording; what comes at the very end is left out."""
    pcm, rate = samples(path)
    end = len(pcm) / rate - before_end
    return parties_heard(path, share, max(end - seconds, 0.0), end)


def length(path):
    pcm, rate = samples(path)
    return len(pcm) / rate
