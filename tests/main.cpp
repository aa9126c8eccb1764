#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <ostream>

namespace {

// A last line that any continuous integration can read: "131 passed, 0 failed, 2 skipped".
struct PlainSummary : doctest::IReporter {
  std::ostream& out;
  explicit PlainSummary(const doctest::ContextOptions& options) : out(*options.cout) {}

  void test_run_end(const doctest::TestRunStats& s) override {
    const unsigned failed = s.numTestCasesFailed, run = s.numTestCasesPassingFilters;
    out << run - failed << " passed, " << failed << " failed, " << s.numTestCases - run << " skipped" << std::endl;
  }
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("plain summary", 1, PlainSummary);

}  // namespace
