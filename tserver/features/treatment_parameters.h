// What a router asks of a treatment, read from TreatmentType and TreatmentParms of RequestApplyTreatment.
//
// Prompts are a list PROMPT of numbered lists, each with one of ID (a file), TEXT, DIGITS (spoken one by one) or
// USER_ANN_ID (an earlier recording), and INTERRUPTABLE. Digits: MAX_DIGITS, TERM_DIGITS, BACKSPACE_DIGITS,
// RESET_DIGITS, ABORT_DIGITS, IGNORE_DIGITS, START_TIMEOUT, DIGIT_TIMEOUT, TOTAL_TIMEOUT (seconds), CLEAR_INPUT;
// verified with VERIFY_DIGITS and ATTEMPTS. Recordings: USER_ID, USER_ANN_ID. Sounds: MUSIC_DN, DURATION (seconds).
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// Treatments of this switch. PlayApplication is one, but has no Play of its own.
bool treatment_served(tlib::TTreatmentType type);

// Ends by itself, and EventTreatmentEnd tells how.
bool treatment_ends(const link::Play& play);

// The link command for it. 223 for a parameter that can't be, 416 for one of a sound.
Result<link::Play, Refusal> play_of(tlib::TTreatmentType type, const tlib::KVList& parameters);

}  // namespace tandem::tserver
