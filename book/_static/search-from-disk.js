// Browsers let no page read another one from file://, so the extracts below the search results are left out there.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
