#include <charconv>
#include <string>

#include "client.h"

namespace bench {
namespace {

constexpr std::string_view end_of_head = "\r\n\r\n";

// One GET after another on a connection; in `churn` a connection each.
class HttpClient final : public Client {
 public:
  explicit HttpClient(Load& load) : Client(load), churns_(load.plan.mode == "churn") {
    request_ = "GET " + load.plan.path + " HTTP/1.1\r\nHost: " + load.plan.host +
               "\r\nUser-Agent: passerelle-bench\r\nAccept: */*\r\n";
    for (unsigned i = 0; i < load.plan.headers; ++i)
      request_ += "X-Request-Header-" + std::to_string(i) + ": a value of ordinary length, number " +
                  std::to_string(i) + "\r\n";
    request_ += churns_ ? "Connection: close\r\n\r\n" : "\r\n";
    began_ = Clock::now();
  }

 private:
  void on_open() override {
    recorder().opened();
    ask();
  }
  void ask() {
    if (!churns_) began_ = Clock::now();
    send(request_);
  }
  [[nodiscard]] bool on_bytes(std::string_view bytes) override {
    if (!in_body_) {
      head_ += bytes;
      const std::size_t end = head_.find(end_of_head);
      if (end == std::string::npos) return true;
      if (!head_.starts_with("HTTP/1.1 200 ") || !read_length(std::string_view(head_).substr(0, end)))
        return false;
      in_body_ = true;
      const std::size_t rest = head_.size() - end - end_of_head.size();
      bytes = bytes.substr(bytes.size() - rest);
      head_.clear();
    }
    if (bytes.size() > left_ || (!bytes.empty() && bytes.back() != 'x')) return false;
    left_ -= bytes.size();
    if (left_ > 0) return true;
    in_body_ = false;
    answered_ = true;
    if (churns_) return true;  // then comes the end
    recorder().done(began_);
    ask();
    return true;
  }
  [[nodiscard]] bool read_length(std::string_view head) {
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
      constexpr std::string_view name = "content-length: ";
      const std::string_view line = head.substr(at + 2);
      if (line.size() < name.size() || strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
      const char* digits = line.data() + name.size();
      return std::from_chars(digits, line.data() + line.size(), left_).ec == std::errc();
    }
    return false;
  }
  void on_end() override {
    if (!churns_ || !answered_) return fail("the gateway closed the connection");
    answered_ = false;
    recorder().done(began_);
    began_ = Clock::now();
    open_again();
  }

  const bool churns_;
  std::string request_;
  std::string head_;
  std::size_t left_ = 0;
  bool in_body_ = false;
  bool answered_ = false;
  Clock::time_point began_;
};

}  // namespace

std::unique_ptr<Client> make_http_client(Load& load) { return std::make_unique<HttpClient>(load); }

}  // namespace bench
