#pragma once
#include <functional>
#include <vector>

#include "apps/restore/restorer.h"
#include "data/dataset.h"
#include "models/vqgan/vqgan.h"

namespace kintsugi {

/// Averages over the validation faces. PSNR in dB and SSIM against the truth, on 8-bit RGB.
struct Quality {
  double psnr = 0, ssim = 0;
};

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

/// Measures a CodeFormer on fixed degraded faces. `sheet_rows`: how many faces the sheet shows.
Validation validate(const CodeFormer& net, ParameterStore& store, const VQAutoEncoder& vqgan, const Dataset& faces, const std::vector<double>& ws,
                    int sheet_rows, const Poll& poll);

/// Mean PSNR and SSIM of a VQGAN's reconstruction of the clean faces, and a sheet of truth over reconstruction.
struct Reconstruction {
  Quality quality;
  double perplexity = 0;  // codes in use over all validation faces
  Image sheet;
};
Reconstruction validate_vqgan(const VQAutoEncoder& net, ParameterStore& store, const Dataset& faces, int sheet_columns, const Poll& poll);

}  // namespace kintsugi
