#include "models/arguments.h"

#include "models/vqgan/discriminator.h"
#include "models/vqgan/vqgan.h"

namespace kintsugi {
namespace {

template <class Visitor, class Args>
void vqgan_fields(Visitor& field, Args& a, std::string& beta_on) {
  field("img_size", a.img_size);
  field("nf", a.nf);
  field("ch_mult", a.ch_mult);
  field("res_blocks", a.res_blocks);
  field("attn_resolutions", a.attn_resolutions);
  field("codebook_size", a.codebook_size);
  field("emb_dim", a.emb_dim);
  field("beta", a.beta);
  field("beta_on", beta_on);
  field("norm_groups", a.norm_groups);
}

template <class Visitor, class Args>
void discriminator_fields(Visitor& field, Args& a) {
  field("nc", a.nc);
  field("ndf", a.ndf);
  field("n_layers", a.n_layers);
}

}  // namespace

std::string to_json(const VqganArgs& args) {
  ArgumentWriter writer;
  std::string beta_on = args.beta_on == BetaOn::codebook ? "codebook" : "commitment";
  vqgan_fields(writer, args, beta_on);
  return writer.text();
}

VqganArgs vqgan_args_from_json(const std::string& json) {
  ArgumentReader reader("vqgan", json);
  VqganArgs args;
  std::string beta_on;
  vqgan_fields(reader, args, beta_on);
  reader.finish();
  KIN_CHECK(beta_on == "codebook" || beta_on == "commitment", "vqgan: beta_on must be codebook or commitment, got '", beta_on,
            "'");
  args.beta_on = beta_on == "codebook" ? BetaOn::codebook : BetaOn::commitment;
  args.check();
  return args;
}

std::string to_json(const DiscriminatorArgs& args) {
  ArgumentWriter writer;
  discriminator_fields(writer, args);
  return writer.text();
}

DiscriminatorArgs discriminator_args_from_json(const std::string& json) {
  ArgumentReader reader("discriminator", json);
  DiscriminatorArgs args;
  discriminator_fields(reader, args);
  reader.finish();
  return args;
}

}  // namespace kintsugi
