// A training recipe: everything a run depends on, read from TOML. docs/training.md explains the keys; apps/recipes/codeformer/ has the
// published trainings. The defaults are those of a small network, not of the published ones.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "apps/watch/options.h"
#include "data/degrade.h"
#include "data/strokes.h"

namespace kintsugi {

struct DataRecipe {
  std::string source = "drawn";     // "drawn", a folder of photographs (any nesting and naming), or a pack of them
  std::string index;                // CSV with columns file and identity, so that held-out pictures are of other people
  double holdout = 0.05;            // share of identities kept for validation
  int size = 64;                    // pixels
  int identities = 512;             // drawn: people in the training set
  int validation = 16;              // held-out pictures measured
  bool hflip = true;
  int enlarge = 1;                  // times every picture stands in an epoch, each time degraded anew
  int workers = 1;                  // threads that prepare batches; the batches do not depend on it
  std::string corrupt = "degrade";  // what stages II and III restore: "degrade", or white "strokes" to be painted over
  DegradeOptions degrade;           // already scaled to `size`; stage II, and stage III's steps on codes
  DegradeOptions degrade_small;     // likewise; stage III's steps on images
  StrokeOptions strokes;            // scaled where they are drawn
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

// Steps are counted from 0 in what a run prints and from 1 in these keys, as in the published options: step n is iteration n + 1.
struct StageRecipe {
  int steps = 100, batch = 8;
  int accumulate = 1;                   // micro-batches of `batch` pictures whose mean gradient makes one step
  bool recompute = false;               // large blocks run again in backward instead of keeping their maps: less memory, more time
  int save_every = 0;                   // steps between training states; 0 = at the stage's ends only, and when stopped
  int validate_every = 0;               // steps between validations; 0 = at the stage's end only

  // Adam and its rate.
  double lr = 1e-3, lr_end = 1e-4;      // cosine: from the one to the other
  double lr_d = 0;                      // the discriminator's lr; 0 = lr
  double discriminator_lr() const { return lr_d > 0 ? lr_d : lr; }
  std::string schedule = "cosine";      // "cosine", "multistep", "constant"
  std::vector<int> periods;             // cosine: iterations of each period; none = one period of all steps
  std::vector<double> period_weights;   // what each starts at, times lr; none = 1
  std::vector<int> milestones;          // multistep: iterations where lr is multiplied by gamma
  double gamma = 0.5;
  int warmup = 0;
  double beta1 = 0.9, beta2 = 0.99, weight_decay = 0;
  double ema = 0.99;
  double clip = 0;                      // largest gradient norm; 0 = no clipping

  // Stages I and III: the image and the discriminator.
  double pixel_weight = 1, perceptual_weight = 1;
  std::string gan = "hinge";            // "hinge", "vanilla", "lsgan", "wgan", "wgan_softplus"
  int gan_start = 1 << 30;              // iterations without discriminator
  double gan_weight = 0.8;              // times the adaptive weight
  bool adaptive_weight = true;          // false: gan_weight alone
  double adaptive_max = 1;              // the adaptive weight is clamped to [0, adaptive_max]

  // Stage I.
  double codebook_weight = 1;
  int revive_every = 0, revive_until = 0;  // unused codes move onto tokens every so many steps; 0 = never, as published

  // Stages II and III: codes. Stage III leaves both losses out where its transformer is frozen.
  double feature_weight = 1, entropy_weight = 0.5;
  std::vector<std::string> freeze{"quantize", "generator"};
  bool freezes(const char* part) const { return std::count(freeze.begin(), freeze.end(), part) > 0; }

  // Stage III.
  std::string grows_from = "stage2";       // or "stage1": no stage II before, a new transformer
  std::string discriminator = "stage1";    // goes on with stage I's, or "new"
  bool detach_16 = true;                   // the looked-up codes are cut from the graph
  bool zero_start = false;                 // the fusion starts as w = 0 does; the published one starts at random
  std::vector<int> phase_ends;             // last iteration of every phase but the last
  std::vector<double> phase_w{1};          // fidelity weight in each phase
  std::vector<int> phase_small_every{1};   // an image, degraded by degrade_small, every so many iterations; codes alone, degraded
                                           // by degrade, in the others. 0: no images
};

struct Recipe {
  std::string name = "recipe";
  std::string out = "runs/recipe";      // run folder
  std::string from;                     // run folder whose results the first stage to be run goes on from; empty: `out` itself
  std::vector<int> stages{1, 2, 3};     // what runs when the command line does not say; consecutive
  uint64_t seed = 1;
  std::string perceptual = "none";      // "none", "vgg19" or "lpips"
  std::string perceptual_weights;       // file with the feature network's weights: safetensors or PyTorch's
  std::string perceptual_distance = "l1";  // vgg19: "l1", "mse" or "fro"
  bool perceptual_input_norm = true;    // ImageNet's mean and std first; for lpips on top of its own scaling, as released
  bool sync_batch_norm = false;         // the discriminator's BatchNorm takes all ranks' statistics; false: each rank's own, as published
  std::string compute = "f32";          // or "bf16": activations and copies of the weights, on a GPU; parameters, losses and optimiser stay f32
  std::string record = "auto";          // "on", "off": steps recorded once and started as a whole, the same bits; auto: where the device can
  int keep_last = 2;                    // training states kept
  std::string cache_codes;              // folder where the training faces' codes are kept for stages II and III; empty: made in every step
  bool adain = true;                    // measured and shown with codes that take on the input's statistics
  DataRecipe data;
  ModelRecipe model;
  WatchOptions watch;
  StageRecipe stage1, stage2, stage3;
};

/// Reads a recipe; `assignments` are "key=value" from --set. A recipe with `base = "other.toml"` has every value of that file (its path
/// is relative to the recipe's) that it does not give itself. Throws UsageError naming file, line, key, expected and found.
Recipe read_recipe(const std::string& path, const std::vector<std::string>& assignments);
/// The same from text, for recipes that are part of the program; `name` stands for the path in messages.
Recipe read_recipe_text(const std::string& toml, const std::string& name, const std::vector<std::string>& assignments);
/// The recipe with every value, as TOML that reads back to the same recipe.
std::string resolved(const Recipe& recipe);

}  // namespace kintsugi
