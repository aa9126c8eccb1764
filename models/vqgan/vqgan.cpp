#include "models/vqgan/vqgan.h"

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/rehearsal.h"
#include "nn/compute.h"

namespace kintsugi {
namespace {

// Appends blocks, each under its number in the list. Convolutions are told the groups of the norm that follows, for which inference leaves moments
// where the kernel can; the norm takes them. Behind attention it finds them itself.
class Builder {
 public:
  Builder(Scope s, BlockList& list, int64_t norm_groups) : scope_(s / "blocks"), list_(list), groups_(int(norm_groups)) { list.mode = s.mode(); }
  void conv(int64_t in, int64_t out) {
    add([&](Scope s) { return conv3x3(s, in, out, groups_); });
  }
  void norm(int64_t c) {
    add([&](Scope s) { return GroupNorm(s, c, Act::none, groups_); });
  }
  int res(int64_t in, int64_t out) {
    return add([&](Scope s) { return ResBlock(s, in, out, groups_); });
  }
  void attn(int64_t c) {
    add([&](Scope s) { return AttnBlock(s, c, groups_); });
  }
  void down(int64_t c) {
    add([&](Scope s) { return Downsample(s, c, groups_); });
  }
  void up(int64_t c) {
    add([&](Scope s) { return Upsample(s, c, groups_); });
  }
  void middle(int64_t c) {
    res(c, c);
    attn(c);
    res(c, c);
  }

 private:
  template <class Make>
  int add(Make&& make) {
    const int index = int(list_.blocks.size());
    const Registered registered(scope_.store());
    list_.blocks.emplace_back(make(scope_ / index));
    list_.parameters.push_back(registered.parameters());
    return index;
  }
  Scope scope_;
  BlockList& list_;
  int groups_;
};

}  // namespace

bool VqganArgs::attends(int level) const {
  return std::find(attn_resolutions.begin(), attn_resolutions.end(), resolution(level)) != attn_resolutions.end();
}

void VqganArgs::check() const {
  KIN_CHECK(!ch_mult.empty(), "vqgan: ch_mult must name at least one level");
  KIN_CHECK(norm_groups >= 1, "vqgan: norm_groups must be at least 1, got ", norm_groups);
  KIN_CHECK(nf >= norm_groups && nf % norm_groups == 0, "vqgan: nf must be a multiple of ", norm_groups, " (norm_groups), got ", nf);
  for (int64_t m : ch_mult) KIN_CHECK(m >= 1, "vqgan: ch_mult must be positive, got ", m);
  KIN_CHECK(res_blocks >= 1, "vqgan: res_blocks must be at least 1, got ", res_blocks);
  KIN_CHECK(codebook_size >= 1, "vqgan: codebook_size must be at least 1, got ", codebook_size);
  KIN_CHECK(emb_dim >= 1, "vqgan: emb_dim must be at least 1, got ", emb_dim);
  const int64_t factor = int64_t(1) << (levels() - 1);
  KIN_CHECK(img_size >= factor && img_size % factor == 0, "vqgan: img_size must be a multiple of ", factor, " for ", levels(),
            " levels, got ", img_size);
}

Var BlockList::operator()(const Var& x) const {
  return leave(*mode, walk(enter(*mode, x), [](int, Var y) { return y; }));
}

Var BlockList::run(size_t i, Var x) const {
  const Block& block = blocks[i];
  if (!mode->recompute || !grad_mode() || !worth_recomputing(block)) {
    Var y = apply_block(block, std::move(x));
    if (mode->passing) release(parameters[i]);
    return y;
  }
  return recompute([block](const Vars& v) { return apply_block(block, v[0]); }, {x}, parameters[i]);
}

Encoder::Encoder(Scope s, const VqganArgs& a) {
  Builder b(s, *this, a.norm_groups);
  b.conv(3, a.nf);
  int64_t width = a.nf;
  for (int level = 0; level < a.levels(); ++level) {
    for (int64_t i = 0; i < a.res_blocks; ++i) {
      site[a.resolution(level)] = b.res(width, a.width(level));
      width = a.width(level);
      if (a.attends(level)) b.attn(width);
    }
    if (level + 1 < a.levels()) b.down(width);
  }
  b.middle(width);
  b.norm(width);
  b.conv(width, a.emb_dim);
}

Generator::Generator(Scope s, const VqganArgs& a) {
  Builder b(s, *this, a.norm_groups);
  int64_t width = a.width(a.levels() - 1);
  b.conv(a.emb_dim, width);
  b.middle(width);
  for (int level = a.levels() - 1; level >= 0; --level) {
    for (int64_t i = 0; i < a.res_blocks; ++i) {
      const int index = b.res(width, a.width(level));
      width = a.width(level);
      if (i == 0 || a.attends(level)) site[a.resolution(level)] = index;
      if (a.attends(level)) b.attn(width);
    }
    if (level > 0) b.up(width);
  }
  b.norm(width);
  b.conv(width, 3);
}

Precision painting_precision() { return grad_mode() || rehearsing() ? precision() : Precision::fast; }

VQAutoEncoder::VQAutoEncoder(Scope s, const VqganArgs& a)
    : args((a.check(), a)),
      encoder(s / "encoder", a),
      quantize(s / "quantize", a.codebook_size, a.emb_dim, a.beta, a.beta_on),
      generator(s / "generator", a) {}

VQAutoEncoder::Output VQAutoEncoder::operator()(const Var& x) const {
  Quantized q = quantize(encoder(x));
  const PrecisionGuard painting(painting_precision());
  Var image = generator(q.z_q);
  return {std::move(image), std::move(q)};
}

Tensor VQAutoEncoder::codes(const Tensor& image) const {
  const NoGrad no_grad;
  return quantize(encoder(image)).indices;
}

}  // namespace kintsugi
