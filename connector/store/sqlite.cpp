#include "connector/store/sqlite.h"

namespace tandem::connector::sqlite {

Statement& Statement::bind(int at, std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), at, value);
  return *this;
}

Statement& Statement::bind(int at, std::string_view bytes) {
  sqlite3_bind_blob64(handle_.get(), at, bytes.data(), bytes.size(), SQLITE_STATIC);
  return *this;
}

bool Statement::row() {
  return sqlite3_step(handle_.get()) == SQLITE_ROW;
}

bool Statement::run() {
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(handle_.get());
  sqlite3_reset(handle_.get());
  return code == SQLITE_DONE;
}

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

Result<Database, Failure> Database::open(const std::string& file) {
  Database database;
  sqlite3* handle = nullptr;
  // Used by one thread at a time: no locks of its own are needed.
  const int code =
      sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database.handle_.reset(handle);
  if (code != SQLITE_OK) return Failure{handle == nullptr ? sqlite3_errstr(code) : database.error()};
  sqlite3_busy_timeout(handle, 0);
  return database;
}

bool Database::execute(const char* sql) {
  return sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

Statement Database::prepare(const char* sql) {
  Statement statement;
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) == SQLITE_OK)
    statement.handle_.reset(handle);
  return statement;
}

std::int64_t Database::number(const char* sql) {
  auto statement = prepare(sql);
  return statement && statement.row() ? statement.number(0) : -1;
}

std::string Database::text(const char* sql) {
  auto statement = prepare(sql);
  return statement && statement.row() ? std::string(statement.bytes(0)) : std::string();
}

}  // namespace tandem::connector::sqlite
