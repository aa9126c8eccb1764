#pragma once
#include <string>

namespace kintsugi {

/// [watch] of a recipe: what is looked at while a stage trains, and when it is called dead.
struct WatchOptions {
  int window = 100;             // steps that the health panel looks back over; its line is written that often
  std::string lpips_weights = {};  // LPIPS with its VGG16, to measure validation with; empty: perceptual_weights where those are LPIPS's
  std::string on_dead = "warn";  // or "stop"
  int dead_steps = 1000;        // a stage is dead when one of these holds for so many steps on end:
  double dead_perplexity = 0.02;  // perplexity below this share of the codebook; 0: not looked at
  double dead_loss = 0.001;     // the discriminator's losses on real and on fake faces both below this; 0: not looked at
  double dead_logits = 20;      // mean logits beyond this on real and below minus this on fake faces; 0: not looked at
  bool dead_adaptive = true;    // the adaptive weight at its upper bound; false where it is meant to be there
};

}  // namespace kintsugi
