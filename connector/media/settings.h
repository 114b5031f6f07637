// How the media room is set up. Plain values, all with defaults that are safe to run with.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace tandem::connector {

// Ports first..last, both included. Endpoints take an even port for RTP and the next one for RTCP.
struct PortRange {
  std::uint16_t first = 20000;
  std::uint16_t last = 24999;
};

// A call-progress tone (ITU-T E.180): the frequencies sound together, in turn on and off.
struct ToneSettings {
  std::vector<double> frequencies_hz;
  double level_dbm0 = -10.0;                       // of all frequencies together
  std::vector<std::chrono::milliseconds> cadence;  // on, off, on, off ... repeated; empty: without pause
};

// What each duration guards is told in latch.h and in README.md.
struct MediaSettings {
  std::vector<PortRange> ports{PortRange{}};
  // Addresses of ours, IPv4 or IPv6; the first is what open() takes when told none. "0.0.0.0" and "::" bind to every
  // address of their family, and then the address asked for is what goes into the SDP.
  std::vector<std::string> addresses{"127.0.0.1"};
  unsigned workers = 1;           // threads that relay; all members of a scene live on one of them
  std::size_t max_endpoints = 0;  // open at once; 0: as many as there are ports
  std::size_t preopened = 64;  // socket pairs bound at start on the first address; more are bound when needed and kept
  int receive_buffer_bytes = 65536;  // SO_RCVBUF of each socket
  int send_buffer_bytes = 0;         // SO_SNDBUF of each socket; 0: the system's default

  Instant quarantine = 3s;        // a port rests this long between two calls
  Instant silence_timeout = 30s;  // nothing received for so long: MediaSilent; 0: never
  Instant latch_window = 10s;     // how long after MediaConnect an address other than the signalled one may be learned
  Instant relatch_after = 2s;  // how long the known address must be silent before the same source is believed elsewhere
  // Time stands still but for MediaRoom::advance: what happens is the same each time, and as fast as it can be worked
  // out.
  bool stepped = false;
  Instant batch_window = 1ms;  // packets that come within this time of each other are relayed together; 0: each at once
  // A party that is sent nothing gets one packet of silence at MediaConnect, then as often as this five times, then
  // every 15 s, so that NATs open and stay open. Whole seconds; 0: only the first.
  Instant comfort_interval = 1s;
  Instant rtcp_interval = 5s;  // our own sender and receiver reports; 0: none

  ToneSettings ringback{{425.0}, -10.0, {1000ms, 4000ms}};
  ToneSettings busy{{425.0}, -10.0, {500ms, 500ms}};
  ToneSettings fast_busy{{425.0}, -10.0, {250ms, 250ms}};
  // Files: WAV or what else libsndfile reads, any rate from 4 to 192 kHz, up to 8 channels, at most 10 minutes.
  std::string ringtone_file;  // played in place of the ringback tone; empty: the tone
  std::string music_file;     // Sound::Music where the scene names none; empty: silence
  // Where MediaPrompt::file is looked for, then in the recordings' folder; with ".wav" added where that is missing.
  // Names that lead out of the folder are refused. Empty: prompts by file are refused.
  std::string prompts_folder;
  std::string recordings_folder;          // where MediaRecord writes; empty: recording is refused
  Instant longest_recording = 10min;      // where MediaRecord says no limit, and the highest it may say
  double recording_silence_dbm0 = -42.0;  // below this level it is silence that may end a recording
  // Makes a WAV file of a text. Split at blanks, run without a shell; the text is its standard input, {language} and
  // {file} are replaced. Empty: prompts by text are refused.
  std::string speech_command = "espeak-ng --stdin -v {language} -w {file}";
  std::string speech_language = "en";  // where the prompt names none
  std::string speech_folder;           // spoken texts are kept here; empty: tandem-speech-UID in the temporary folder
  Instant speech_timeout = 10s;        // the command is killed after this time
  unsigned speech_processes = 2;       // commands at once; others wait
  Instant digit_length = 100ms;        // MediaDigits: how long a digit sounds,
  Instant digit_pause = 100ms;         // and the pause behind it
};

}  // namespace tandem::connector
