#include "models/arguments.h"

#include "models/codeformer/codeformer.h"

namespace kintsugi {
namespace {

template <class Visitor, class Args, class Text>
void fields(Visitor& field, Args& a, Text& backbone) {
  field("backbone", backbone);
  field("dim_embd", a.dim_embd);
  field("n_head", a.n_head);
  field("n_layers", a.n_layers);
  field("latent_size", a.latent_size);
  field("connect_list", a.connect_list);
  field("taps", a.taps);
  field("sites", a.sites);
}

}  // namespace

std::string to_json(const CodeFormerArgs& args) {
  ArgumentWriter writer;
  const nlohmann::json backbone = nlohmann::json::parse(to_json(args.backbone));
  fields(writer, args, backbone);
  return writer.text();
}

CodeFormerArgs codeformer_args_from_json(const std::string& json) {
  ArgumentReader reader("codeformer", json);
  CodeFormerArgs args;
  nlohmann::json backbone;
  fields(reader, args, backbone);
  reader.finish();
  args.backbone = vqgan_args_from_json(backbone.dump());
  return args;
}

}  // namespace kintsugi
