// What the program says about itself, and about slips on the command line.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace kintsugi {

/// `arguments` of a typical call stand above the usage line of this command's help.
void add_example(CLI::App& command, const std::string& arguments);

/// One line on why the command line could not be read: an unknown command or option by name with a guess at what was meant,
/// otherwise what the parser found wrong; and where to read more.
std::string complaint(const CLI::App& app, const CLI::ParseError& error);

}  // namespace kintsugi
