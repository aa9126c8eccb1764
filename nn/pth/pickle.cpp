#include "nn/pth/pickle.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

namespace kintsugi {
namespace {

using Kind = PickleKind;

// A pickle's cost is bounded by these, whatever it says: the largest published checkpoints hold some ten thousand objects.
constexpr size_t kMostObjects = 4'000'000, kMostStack = 4'000'000;
constexpr size_t kMostRank = 64;  // PyTorch's own limit

// Items of an object. They stay where they are while other objects are added.
using Values = std::span<const PickleValue>;

struct StorageName {
  std::string_view name;
  TorchType type;
};
constexpr StorageName kStorages[] = {{"DoubleStorage", TorchType::f64}, {"FloatStorage", TorchType::f32},
                                     {"HalfStorage", TorchType::f16},   {"BFloat16Storage", TorchType::bf16},
                                     {"LongStorage", TorchType::i64},   {"IntStorage", TorchType::i32},
                                     {"ShortStorage", TorchType::i16},  {"CharStorage", TorchType::i8},
                                     {"ByteStorage", TorchType::u8},    {"BoolStorage", TorchType::boolean}};

// Types found in training states and Lightning files. Calls of them build data in Python; here they leave a placeholder. "*"
// stands for any name.
constexpr std::string_view kInert[] = {"torch.Size",
                                       "torch.device",
                                       "torch.dtype",
                                       "numpy.dtype",
                                       "numpy.ndarray",
                                       "numpy.core.multiarray.scalar",
                                       "numpy.core.multiarray._reconstruct",
                                       "numpy._core.multiarray.scalar",
                                       "numpy._core.multiarray._reconstruct",
                                       "_codecs.encode",
                                       "__builtin__.set",
                                       "builtins.set",
                                       "__builtin__.frozenset",
                                       "builtins.frozenset",
                                       "__builtin__.bytearray",
                                       "builtins.bytearray",
                                       "__builtin__.complex",
                                       "builtins.complex",
                                       "argparse.Namespace",
                                       "datetime.datetime",
                                       "datetime.timedelta",
                                       "pathlib.PosixPath",
                                       "pathlib.WindowsPath",
                                       "pathlib.PurePosixPath",
                                       "pytorch_lightning.utilities.parsing.AttributeDict",
                                       "lightning_fabric.utilities.data.AttributeDict",
                                       "lightning.fabric.utilities.data.AttributeDict",
                                       "omegaconf.dictconfig.*",
                                       "omegaconf.listconfig.*",
                                       "omegaconf.base.*",
                                       "omegaconf.nodes.*"};

bool is_inert(std::string_view module, std::string_view name) {
  return std::any_of(std::begin(kInert), std::end(kInert), [&](std::string_view known) {
    const size_t dot = known.rfind('.');
    return known.substr(0, dot) == module && (known.substr(dot + 1) == "*" || known.substr(dot + 1) == name);
  });
}

bool is_dict_type(std::string_view module, std::string_view name) {
  return module == "collections" && (name == "OrderedDict" || name == "defaultdict" || name == "Counter");
}

class Machine {
 public:
  Machine(Bytes bytes, const std::string& path) : path_(path), in_(bytes, path_) {}

  Pickle run() {
    while (step(in_.number<uint8_t>())) {}
    out_.bytes_read = in_.at();
    return std::move(out_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail(path_, ": not a readable pickle: ", parts..., " (near byte ", in_.at(), ")");
  }

  // --- the stack, the marks on it, and the memo ---

  void push(PickleValue v) {
    if (stack_.size() >= kMostStack) bad("more than ", kMostStack, " values on its stack");
    stack_.push_back(v);
  }
  PickleValue pop() {
    const PickleValue v = top();
    stack_.pop_back();
    return v;
  }
  PickleValue top() const {
    if (stack_.size() <= floor()) bad("its stack is empty");
    return stack_.back();
  }
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  // What was pushed since the last mark, which goes too.
  std::vector<PickleValue> pop_to_mark() {
    if (marks_.empty()) bad("there is no mark");
    std::vector<PickleValue> items(stack_.begin() + std::ptrdiff_t(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  std::vector<PickleValue> pop_some(size_t count) {
    std::vector<PickleValue> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  PickleValue make(Kind kind, PickleObject object) {
    if (out_.objects.size() >= kMostObjects) bad("more than ", kMostObjects, " objects");
    out_.objects.push_back(std::move(object));
    return {kind, int64_t(out_.objects.size()) - 1, 0};
  }
  void push_text(Kind kind, uint64_t length) { push(make(kind, {in_.text(length), {}, {}})); }
  void push_tuple(std::vector<PickleValue> items) { push(make(Kind::tuple, {{}, {}, std::move(items)})); }

  void remember(uint64_t index) {
    memo_[index] = top();
    if (memo_.size() > kMostObjects) bad("more than ", kMostObjects, " values in its memo");
  }
  void recall(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) bad("it asks for number ", index, " of its memo, which is empty there");
    push(found->second);
  }

  // --- opcodes ---

  bool step(uint8_t op) {
    switch (op) {
      case 0x80: {  // PROTO
        const auto protocol = in_.number<uint8_t>();
        if (protocol < 2 || protocol > 5) bad("protocol ", int(protocol), "; 2 to 5 are known");
        break;
      }
      case 0x95: in_.take(8); break;  // FRAME: a hint about lengths
      case '(':
        if (marks_.size() >= kMostStack) bad("more than ", kMostStack, " marks");
        marks_.push_back(stack_.size());
        break;
      case '0': pop(); break;
      case '1': pop_to_mark(); break;
      case '.': out_.root = pop(); return false;

      case 'N': push({}); break;
      case 0x88: push({Kind::boolean, 1, 0}); break;
      case 0x89: push({Kind::boolean, 0, 0}); break;
      case 'J': push({Kind::integer, in_.number<int32_t>(), 0}); break;
      case 'K': push({Kind::integer, in_.number<uint8_t>(), 0}); break;
      case 'M': push({Kind::integer, in_.number<uint16_t>(), 0}); break;
      case 0x8a: long_integer(in_.number<uint8_t>()); break;
      case 'G': push({Kind::real, 0, std::bit_cast<double>(__builtin_bswap64(in_.number<uint64_t>()))}); break;

      case 'X': push_text(Kind::string, in_.number<uint32_t>()); break;
      case 0x8c: push_text(Kind::string, in_.number<uint8_t>()); break;
      case 0x8d: push_text(Kind::string, in_.number<uint64_t>()); break;
      case 'T': push_text(Kind::string, in_.number<uint32_t>()); break;  // Python 2's str
      case 'U': push_text(Kind::string, in_.number<uint8_t>()); break;
      case 'B': push_text(Kind::bytes, in_.number<uint32_t>()); break;
      case 'C': push_text(Kind::bytes, in_.number<uint8_t>()); break;

      case ')': push_tuple({}); break;
      case 't': push_tuple(pop_to_mark()); break;
      case 0x85: push_tuple(pop_some(1)); break;
      case 0x86: push_tuple(pop_some(2)); break;
      case 0x87: push_tuple(pop_some(3)); break;
      case ']': push(make(Kind::list, {})); break;
      case '}': push(make(Kind::dict, {})); break;
      case 'a': extend(Kind::list, pop_some(1)); break;
      case 'e': extend(Kind::list, pop_to_mark()); break;
      case 's': extend(Kind::dict, pop_some(2)); break;
      case 'u': extend(Kind::dict, pop_to_mark()); break;

      case 'q': remember(in_.number<uint8_t>()); break;
      case 'r': remember(in_.number<uint32_t>()); break;
      case 0x94: remember(memo_.size()); break;
      case 'h': recall(in_.number<uint8_t>()); break;
      case 'j': recall(in_.number<uint32_t>()); break;

      case 'c': {
        const auto module = in_.line();
        push(make(Kind::global, {module, in_.line(), {}}));
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const auto names = pop_some(2);
        for (const PickleValue& v : names) expect(v, Kind::string, "the name of a global");
        push(make(Kind::global, {out_.text(names[0]), out_.text(names[1]), {}}));
        break;
      }
      case 'R':
      case 0x81: {  // REDUCE, NEWOBJ: a function, or a type, and its arguments
        const auto call_of = pop_some(2);
        push(call(call_of[0], call_of[1]));
        break;
      }
      case 'b': build(); break;
      case 'Q': push(storage(pop())); break;
      default: bad("its opcode ", int(op), " is not one that checkpoints use");
    }
    return true;
  }

  void expect(const PickleValue& v, Kind kind, const char* what) const {
    if (v.kind != kind) bad(what, " is of the wrong type");
  }

  void long_integer(size_t length) {
    const Bytes raw = in_.take(length);
    if (length > 8) {
      push(make(Kind::big_integer, {{reinterpret_cast<const char*>(raw.data()), raw.size()}, {}, {}}));
      return;
    }
    uint64_t value = length && (raw[length - 1] & 0x80) ? ~uint64_t(0) : 0;  // two's complement: the sign goes up
    std::memcpy(&value, raw.data(), length);
    push({Kind::integer, int64_t(value), 0});
  }

  // Appends to the list or dict under the values. A placeholder swallows them.
  void extend(Kind kind, std::vector<PickleValue> values) {
    const PickleValue target = top();
    if (target.kind == Kind::placeholder) return;
    expect(target, kind, kind == Kind::list ? "what is appended to" : "what items are set of");
    if (kind == Kind::dict && values.size() % 2) bad("a dictionary gets a key without a value");
    auto& items = out_.objects[size_t(target.integer)].items;
    items.insert(items.end(), values.begin(), values.end());
  }

  // --- what a pickle may call ---

  PickleValue call(const PickleValue& callee, const PickleValue& arguments) {
    if (callee.kind != Kind::global) bad("it calls something that has no name");
    expect(arguments, Kind::tuple, "what a function is called with");
    const PickleObject function = out_.object(callee);
    const Values args = out_.object(arguments).items;
    if (function.text == "torch._utils" && function.name == "_rebuild_tensor_v2") return tensor(args);
    if (function.text == "torch._utils" && function.name == "_rebuild_parameter") {
      if (args.size() != 3) bad("a parameter has ", args.size(), " arguments, expected 3");
      expect(args[0], Kind::tensor, "a parameter's data");
      return args[0];
    }
    if (is_dict_type(function.text, function.name)) return dictionary(args);
    if (!is_inert(function.text, function.name)) refuse(function);
    return make(Kind::placeholder, {function.text, function.name, {}});
  }

  [[noreturn]] void refuse(const PickleObject& function) const {
    fail(path_, ": refused: it asks for ", shown(function.text), ".", shown(function.name),
         " to be run. Only tensors are read from such files and nothing is ever "
         "executed; if you trust the file, save its state dict alone with torch.save(model.state_dict(), ...)");
  }

  // dict(), or dict([[key, value], ...]); a defaultdict's first argument is its default. One list can be named in many calls, so
  // what is copied here is counted.
  PickleValue dictionary(Values args) {
    const PickleValue out = make(Kind::dict, {});
    for (const PickleValue& list : args) {
      if (list.kind != Kind::list) continue;
      const Values pairs = out_.object(list).items;
      copied_ += pairs.size();
      if (copied_ > kMostObjects) bad("more than ", kMostObjects, " pairs in dictionaries");
      for (const PickleValue& pair : pairs) {
        if ((pair.kind != Kind::tuple && pair.kind != Kind::list) || out_.object(pair).items.size() != 2)
          bad("a dictionary is made of something else than pairs");
        const Values both = out_.object(pair).items;
        auto& items = out_.objects[size_t(out.integer)].items;
        items.insert(items.end(), both.begin(), both.end());
      }
    }
    return out;
  }

  // Attributes set on an object. Those of dictionaries and tensors say nothing about values; other objects are not built.
  void build() {
    pop();
    const PickleValue target = top();
    if (target.kind == Kind::global && !is_inert(out_.object(target).text, out_.object(target).name)) refuse(out_.object(target));
    if (target.kind != Kind::dict && target.kind != Kind::tensor && target.kind != Kind::placeholder &&
        target.kind != Kind::global)
      bad("it sets attributes of something that has none");
  }

  // ('storage', type, key, location, elements) with, in the legacy form, a view that is None. The location is where the tensor
  // was, e.g. cuda:0.
  PickleValue storage(const PickleValue& id) {
    expect(id, Kind::tuple, "a storage's description");
    const auto& parts = out_.object(id).items;
    if (parts.size() != 5 && parts.size() != 6) bad("a storage's description has ", parts.size(), " parts, expected 5 or 6");
    expect(parts[0], Kind::string, "a storage's tag");
    expect(parts[1], Kind::global, "a storage's type");
    expect(parts[2], Kind::string, "a storage's key");
    expect(parts[4], Kind::integer, "a storage's element count");
    if (out_.text(parts[0]) != "storage") bad("it refers to a '", shown(out_.text(parts[0])), "', only storages are known");
    if (parts.size() == 6 && parts[5].kind != Kind::none)
      bad("a storage is a view of another storage, as PyTorch wrote before 0.4; load and save it with a newer PyTorch");
    const PickledStorage wanted{out_.text(parts[2]), storage_type(out_.object(parts[1])), parts[4].integer};
    if (wanted.elements < 0) bad("a storage has ", wanted.elements, " elements");
    const auto [found, added] = by_key_.emplace(wanted.key, out_.storages.size());
    if (added) out_.storages.push_back(wanted);
    const PickledStorage& known = out_.storages[found->second];
    if (known.type != wanted.type || known.elements != wanted.elements)
      bad("storage '", shown(wanted.key), "' is described in two ways");
    return {Kind::storage, int64_t(found->second), 0};
  }

  TorchType storage_type(const PickleObject& global) const {
    if (global.text == "torch" || global.text == "torch.cuda")
      for (const StorageName& s : kStorages)
        if (s.name == global.name) return s.type;
    bad("the storage type ", shown(global.text), ".", shown(global.name), " is not supported");
  }

  // (storage, offset, size, stride, requires_grad, hooks), and perhaps metadata.
  PickleValue tensor(Values args) {
    if (args.size() != 6 && args.size() != 7) bad("a tensor has ", args.size(), " arguments, expected 6 or 7");
    expect(args[0], Kind::storage, "a tensor's storage");
    expect(args[1], Kind::integer, "a tensor's offset");
    PickledTensor t{uint32_t(args[0].integer), args[1].integer, integers(args[2], "a tensor's size"),
                    integers(args[3], "a tensor's stride")};
    if (t.size.size() != t.stride.size()) bad("a tensor has ", t.size.size(), " sizes and ", t.stride.size(), " strides");
    if (out_.tensors.size() >= kMostObjects) bad("more than ", kMostObjects, " tensors");
    out_.tensors.push_back(std::move(t));
    return {Kind::tensor, int64_t(out_.tensors.size()) - 1, 0};
  }

  std::vector<int64_t> integers(const PickleValue& v, const char* what) const {
    expect(v, Kind::tuple, what);
    if (out_.object(v).items.size() > kMostRank) bad(what, " has ", out_.object(v).items.size(), " axes");
    std::vector<int64_t> out;
    for (const PickleValue& item : out_.object(v).items) {
      expect(item, Kind::integer, what);
      out.push_back(item.integer);
    }
    return out;
  }

  const std::string path_;
  Cursor in_;
  Pickle out_;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleValue> memo_;
  std::unordered_map<std::string_view, size_t> by_key_;
  size_t copied_ = 0;
};

}  // namespace

size_t size_of(TorchType t) {
  switch (t) {
    case TorchType::f64:
    case TorchType::i64: return 8;
    case TorchType::f32:
    case TorchType::i32: return 4;
    case TorchType::f16:
    case TorchType::bf16:
    case TorchType::i16: return 2;
    case TorchType::i8:
    case TorchType::u8:
    case TorchType::boolean: return 1;
  }
  fail("pth: unknown storage type");
}

Pickle unpickle(Bytes bytes, const std::string& path) { return Machine(bytes, path).run(); }

}  // namespace kintsugi
