tandem_fuzz(frame LINKS tserver_clients tserver_links)
