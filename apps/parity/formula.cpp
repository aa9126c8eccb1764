#include "apps/parity/formula.h"

#include <cmath>
#include <string_view>

namespace kintsugi::parity {
namespace {

uint64_t fnv1a64(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325ull;
  for (unsigned char byte : text) h = (h ^ byte) * 0x100000001b3ull;
  return h;
}

/// The 24 bits of element i.
uint64_t bits24(uint64_t hash, uint64_t i) {
  uint64_t s = hash + i + 0x9e3779b97f4a7c15ull;
  s = (s ^ (s >> 30)) * 0xbf58476d1ce4e5b9ull;
  s = (s ^ (s >> 27)) * 0x94d049bb133111ebull;
  return (s ^ (s >> 31)) >> 40;
}

bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

}  // namespace

Tensor formula(const std::string& salt, const std::string& name, const Shape& stored_shape, double offset, double scale) {
  const uint64_t hash = fnv1a64(salt + "/" + name);
  Tensor t(stored_shape);
  float* out = t.data<float>();
  for (int64_t i = 0, n = t.numel(); i < n; ++i)
    out[i] = float(offset + scale * (2 * (double(bits24(hash, uint64_t(i))) / 16777216.0) - 1));
  return t;
}

Tensor formula_classes(const std::string& salt, const std::string& name, const Shape& shape, int64_t classes) {
  const uint64_t hash = fnv1a64(salt + "/" + name);
  Tensor t(shape, DType::i64);
  int64_t* out = t.data<int64_t>();
  for (int64_t i = 0, n = t.numel(); i < n; ++i) out[i] = int64_t(bits24(hash, uint64_t(i)) % uint64_t(classes));
  return t;
}

FormulaRule formula_rule(const std::string& name, const Shape& stored_shape) {
  const std::string_view last = std::string_view(name).substr(name.rfind('.') == std::string::npos ? 0 : name.rfind('.') + 1);
  if (last == "running_mean") return {0, 0.1};
  if (last == "running_var") return {1, 0.1};
  if (last == "position_emb") return {0, 0.5};
  if (ends_with(name, "embedding.weight")) return {0, 1};
  if (ends_with(last, "bias")) return {0, 0.05};
  if (stored_shape.rank() == 1) return {1, 0.1};
  const double fan_in = double(stored_shape.product(1, stored_shape.rank()));
  if (name.find(".model.1.weight") != std::string::npos) return {0.1, 0.1};
  if (name.find("vgg_net.") != std::string::npos || name.find("net.slice") != std::string::npos) return {0, std::sqrt(6 / fan_in)};
  // The small gain of an attention output keeps tokens distinct.
  return {0, std::sqrt(3 / fan_in) * (ends_with(name, "self_attn.out_proj.weight") ? 0.25 : 1.0)};
}

Tensor formula_parameter(const std::string& salt, const std::string& name, const Shape& stored_shape) {
  if (ends_with(name, "num_batches_tracked")) return Tensor::zeros(stored_shape, DType::i64);
  const FormulaRule rule = formula_rule(name, stored_shape);
  return formula(salt, name, stored_shape, rule.offset, rule.scale);
}

}  // namespace kintsugi::parity
