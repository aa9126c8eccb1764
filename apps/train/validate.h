#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "data/dataset.h"
#include "models/codeformer/codeformer.h"

namespace kintsugi {

/// Averages over the validation faces against the truth: PSNR in dB and SSIM on 8-bit RGB, LPIPS where there are weights for it.
struct Quality {
  double psnr = 0, ssim = 0;
  std::optional<double> lpips = {};
};

/// A distance of each picture of a batch [N,H,W,3] in [-1,1] from the truth; empty: not measured.
using ImageMetric = std::function<std::vector<double>(const Tensor& images, const Tensor& truth)>;

struct Validation {
  Quality degraded;
  std::vector<double> ws;           // fidelity weights measured
  std::vector<Quality> restored;    // one per w
  double code_accuracy = 0;         // share of predicted codes that are the clean face's
  double nearest_accuracy = 0;      // the same when each degraded token is simply given its nearest code
  Image sheet;                      // rows of degraded | w... | truth
};

/// Called before each batch; what it throws ends the validation.
using Poll = std::function<void()>;

/// Measures a CodeFormer on fixed degraded faces, with or without `adain` (CodeFormerCall). `sheet_rows`: how many faces the sheet shows.
Validation validate(const CodeFormer& net, ParameterStore& store, const VQAutoEncoder& vqgan, const Dataset& faces, const ImageMetric& lpips,
                    const std::vector<double>& ws, bool adain, int sheet_rows, const Poll& poll);

/// Quality of a VQGAN's reconstruction of the clean faces, and a sheet of truth over reconstruction.
struct Reconstruction {
  Quality quality;
  double perplexity = 0;  // codes in use over all validation faces
  Image sheet;
};
Reconstruction validate_vqgan(const VQAutoEncoder& net, ParameterStore& store, const Dataset& faces, const ImageMetric& lpips, int sheet_columns,
                              const Poll& poll);

}  // namespace kintsugi
