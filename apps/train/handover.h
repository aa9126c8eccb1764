// What one stage hands to the next: the files that an earlier stage leaves in its run folder, and the checks that they belong together.
#pragma once
#include <string>

#include "apps/train/datasets.h"
#include "apps/train/nets.h"
#include "apps/train/state.h"

namespace kintsugi {

/// Metadata key of networks that were trained on a codebook: its hash.
inline constexpr const char* kCodebookKey = "codebook";

/// The first 16 digits of the SHA-256 of a network's codebook: what tells one stage I from another.
std::string codebook_hash(const ParameterStore& store);

/// Networks as earlier stages left them in `folder`: stage I's, frozen and in eval mode; stage II's; stage I's discriminator. Throw Error when
/// the file is missing, of another network, of other sizes than the recipe's, or of another codebook than `vqgan`'s (both hashes are named).
Vqgan frozen_vqgan(const Recipe& recipe, const std::string& folder, Device device);
Former former_of_stage2(const Recipe& recipe, const std::string& folder, const Vqgan& vqgan, Device device);
Critic critic_of_stage1(const Recipe& recipe, const std::string& folder, const Vqgan& vqgan, Device device);

/// A CodeFormer that goes on with stage I's encoder, codebook and generator; everything else is new.
Former former_of_stage1(const Recipe& recipe, const Vqgan& vqgan, Device device);

/// Throws what stage `first` would throw over the files in `folder`.
void check_predecessors(const Recipe& recipe, const std::string& folder, int first);
/// Copies what stages from `first` on read from one run folder to another.
void copy_predecessors(const std::string& from, const std::string& to, int first);
/// What a stage depends on besides the recipe: the data's identity, SHA-256 of the files that it reads from the run folder and of a perceptual
/// loss's weights.
Inputs input_hashes(const Recipe& recipe, int stage, const TrainingData& data);

}  // namespace kintsugi
