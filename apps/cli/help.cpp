#include "apps/cli/help.h"

#include <set>

#include "apps/cli/toml_reader.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

class WithExample : public CLI::Formatter {
 public:
  explicit WithExample(std::string arguments) : arguments_(std::move(arguments)) {}
  std::string make_usage(const CLI::App* app, std::string name) const override {
    return "\n  " + name + (arguments_.empty() ? "" : " " + arguments_) + "\n\n" + CLI::Formatter::make_usage(app, name);
  }

 private:
  std::string arguments_;
};

std::set<std::string> command_names(const CLI::App& app) {
  std::set<std::string> names;
  for (const auto* s : app.get_subcommands([](const CLI::App*) { return true; })) names.insert(s->get_name());
  return names;
}

void add_option_names(const CLI::App& app, std::set<std::string>& names) {
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.insert("--" + name);
}

}  // namespace

void add_example(CLI::App& command, const std::string& arguments) { command.formatter(std::make_shared<WithExample>(arguments)); }

std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  const std::string help = chosen.empty() ? "kintsugi --help" : "kintsugi " + chosen.front()->get_name() + " --help";
  // CLI11 asks for what is required before it looks at what it did not understand, and that is where the slip is.
  const auto strange = app.remaining(true);
  if (strange.empty()) return text(error.what(), "; see ", help);
  const std::string& word = strange.front();
  const bool option = word.starts_with("-");
  if (!option && !chosen.empty()) return text("unexpected argument ", word, "; see ", help);
  std::set<std::string> known;
  if (option) add_option_names(app, known);
  else known = command_names(app);
  if (option && !chosen.empty()) add_option_names(*chosen.front(), known);
  const std::string hint = closest(word, known);
  return text(option ? "unknown option " : "unknown command ", word,
              hint.empty() ? "; see " : "; did you mean " + hint + "? See ", help);
}

}  // namespace kintsugi
