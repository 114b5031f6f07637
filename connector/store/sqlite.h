// SQLite's C handles with owners. Only this folder includes it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace tandem::connector::sqlite {

struct CloseDatabase {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
struct CloseStatement {
  void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
};

class Database;

// A prepared statement, used again and again: bind in order from 1, then step until it is done.
class Statement {
 public:
  Statement() = default;
  explicit operator bool() const { return handle_ != nullptr; }

  Statement& bind(int at, std::int64_t value);
  Statement& bind(int at, std::string_view bytes);  // not copied: must live until the statement is done
  bool row();                                       // true: there is one
  bool run();                                       // to its end; true: done without an error. Ready for the next time
  std::int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  std::string_view bytes(int column) const;
  void again() { sqlite3_reset(handle_.get()); }

 private:
  friend class Database;
  std::unique_ptr<sqlite3_stmt, CloseStatement> handle_;
};

class Database {
 public:
  static Result<Database, Failure> open(const std::string& file);
  bool execute(const char* sql);
  Statement prepare(const char* sql);    // false if it can't be
  std::int64_t number(const char* sql);  // first column of the first row, -1: none
  std::string text(const char* sql);
  std::string error() const { return sqlite3_errmsg(handle_.get()); }
  int code() const { return sqlite3_errcode(handle_.get()); }

 private:
  std::unique_ptr<sqlite3, CloseDatabase> handle_;
};

}  // namespace tandem::connector::sqlite
