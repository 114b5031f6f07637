#include "common/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <streambuf>

namespace tandem::config {
namespace {

struct TooMuch {
  Problem problem;
};

// Builds the tree from the parser's events; throws TooMuch at a bound.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const YamlLimits& limits, Report& report) : limits_(limits), report_(report) {}

  YamlPtr root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(mark, YamlNode::Kind::Null, {}, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    leaf(mark, YamlNode::Kind::Scalar, value, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "an alias stands inside of what it names");
    add(found->second, mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::Sequence, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::Map, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    bool has_key = false;
    std::string key;
    int key_line = 0;
    std::map<std::string, int> keys;
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string text) {
    throw TooMuch{{Severity::Fatal, {mark.line + 1}, std::move(text)}};
  }

  void leaf(const YAML::Mark& mark, YamlNode::Kind kind, const std::string& text, YAML::anchor_t anchor) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->line = mark.line + 1;
    node->text = text;
    if (anchor) anchors_[anchor] = node;
    add(std::move(node), mark);
  }

  void open(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    if (static_cast<int>(open_.size()) >= limits_.depth)
      refuse(mark, "nested deeper than " + std::to_string(limits_.depth) + " levels");
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->line = mark.line + 1;
    open_.push_back({std::move(node), anchor, false, {}, 0, {}});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    YAML::Mark mark;
    mark.line = done.node->line - 1;
    if (done.anchor) anchors_[done.anchor] = done.node;
    total_ -= done.node->weight - 1;  // counted when they were added; add() counts them again with their parent
    add(std::move(done.node), mark);
  }

  void add(YamlPtr node, const YAML::Mark& mark) {
    total_ += node->weight;
    if (total_ > limits_.nodes) refuse(mark, "more than " + std::to_string(limits_.nodes) + " values");
    if (static_cast<int>(open_.size()) + node->height > limits_.depth + 1)
      refuse(mark, "nested deeper than " + std::to_string(limits_.depth) + " levels");
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node->kind == YamlNode::Kind::Map && !parent.has_key) {
      if (node->kind != YamlNode::Kind::Scalar) refuse(mark, "a key must be a plain word");
      parent.key = node->text;
      parent.key_line = mark.line + 1;
      parent.has_key = true;
      return;
    }
    parent.node->weight += node->weight;
    parent.node->height = std::max(parent.node->height, node->height + 1);
    if (parent.node->kind == YamlNode::Kind::Sequence) {
      parent.node->items.push_back(std::move(node));
      return;
    }
    parent.has_key = false;
    const auto [first, fresh] = parent.keys.emplace(parent.key, parent.key_line);
    if (fresh)
      parent.node->entries.push_back({std::move(parent.key), parent.key_line, std::move(node)});
    else if (!report_.full())
      report_.error({parent.key_line}, "key " + quoted(first->first) + " is already in line " +
                                           std::to_string(first->second) + "; expected it once");
  }

  const YamlLimits& limits_;
  Report& report_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlPtr> anchors_;
  std::size_t total_ = 0;
};

// An input stream over a view, without copying it.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // the get area is only read
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

YamlPtr parse_yaml(std::string_view text, Report& report, const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    report.fatal({}, "larger than " + std::to_string(limits.bytes >> 20) + " MB");
    return nullptr;
  }
  // The library takes a quote that never ends for whole if a line end follows it.
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  Builder builder(limits, report);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder) || !builder.root) {
      report.fatal({1}, "the file is empty; expected applications and switches");
      return nullptr;
    }
    return builder.root;
  } catch (const TooMuch& much) {
    report.fatal(much.problem.at, much.problem.text);
  } catch (const YAML::Exception& error) {
    report.fatal({error.mark.is_null() ? 0 : error.mark.line + 1}, "not YAML: " + error.msg);
  }
  return nullptr;
}

}  // namespace tandem::config
