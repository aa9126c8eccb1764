// A training recipe: everything a run depends on, read from TOML. apps/recipes/*.toml are examples with every key explained.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/degrade.h"

namespace kintsugi {

struct DataRecipe {
  std::string source = "drawn";  // "drawn", or a folder of photographs (any nesting and naming)
  std::string index;             // CSV with columns file and identity, so that held-out pictures are of other people
  double holdout = 0.05;         // share of identities kept for validation
  int size = 64;                 // pixels
  int identities = 512;          // drawn: people in the training set
  int validation = 16;           // held-out pictures measured
  bool hflip = true;
  int workers = 1;               // threads that prepare batches; the batches do not depend on it
  DegradeOptions degrade;        // already scaled to `size`
};

struct ModelRecipe {
  int nf = 32;
  std::vector<int> ch_mult{1, 2, 2};
  int res_blocks = 1;
  std::vector<int> attn_resolutions{16};
  int codebook_size = 128, emb_dim = 64;
  double beta = 0.25;
  int norm_groups = 8;                  // 32 in the published networks; with as few channels as here that is one per group
  std::string beta_on = "codebook";     // as released; the paper's text puts it on the "commitment" term
  int dim_embd = 128, n_head = 4, n_layers = 3;
  std::vector<int> connect{32, 64};     // resolutions fused by the controllable feature transformation
  int ndf = 16, d_layers = 3;
};

struct StageRecipe {
  int steps = 100, batch = 8;
  double lr = 1e-3, lr_end = 1e-4;      // cosine from the one to the other
  int warmup = 0;
  double beta1 = 0.9, beta2 = 0.99;
  double ema = 0.99;
  double clip = 0;                      // largest gradient norm; 0 = no clipping
  int revive_every = 0, revive_until = 0;  // stage I: unused codes move onto tokens every so many steps; 0 = never, as published
  int gan_start = 1 << 30;              // first step with the discriminator
  double gan_weight = 0.8;              // times the adaptive factor
  bool zero_start = false;              // stage III: the fusion starts as w = 0 does; the published one starts at random
  bool fix_generator = true;            // stage III: as published; false trains it too
  bool fix_transformer = false;         // stage III: true trains the fusion alone, so that w = 0 stays what stage II made it
  double w = 1;                         // stage III: fidelity weight
  int accumulate = 1;                   // micro-batches of `batch` pictures whose mean gradient makes one step
  bool recompute = false;               // large blocks run again in backward instead of keeping their maps: less memory, more time
  int save_every = 0;                   // steps between training states; 0 = at the stage's ends only, and when stopped
  int validate_every = 0;               // steps between validations; 0 = at the stage's end only
};

struct Recipe {
  std::string name = "recipe";
  std::string out = "runs/recipe";      // run folder
  std::string from;                     // run folder whose results the first stage to be run goes on from; empty: `out` itself
  uint64_t seed = 1;
  std::string perceptual = "none";      // "none", "vgg19" or "lpips"
  std::string perceptual_weights;       // file with the feature network's weights: safetensors or PyTorch's
  bool sync_batch_norm = false;         // the discriminator's BatchNorm takes the statistics of all ranks' batches; false: of each rank's, as published
  int keep_last = 2;                    // training states kept
  std::string cache_codes;              // folder where the training faces' codes are kept for stages II and III; empty: made anew in every step
  DataRecipe data;
  ModelRecipe model;
  StageRecipe stage1, stage2, stage3;
};

/// Reads a recipe; `assignments` are "key=value" from --set. Throws UsageError naming file, line, key, expected and found.
Recipe read_recipe(const std::string& path, const std::vector<std::string>& assignments);
/// The same from text, for recipes that are part of the program; `name` stands for the path in messages.
Recipe read_recipe_text(const std::string& toml, const std::string& name, const std::vector<std::string>& assignments);
/// The recipe with every value, as TOML that reads back to the same recipe.
std::string resolved(const Recipe& recipe);

}  // namespace kintsugi
