tandem_fuzz(link LINKS connector_link)
