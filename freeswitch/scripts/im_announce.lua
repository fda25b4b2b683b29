-- Says a text to all of a group's session, in the group's name: lua im_announce.lua sip:GROUP@DOMAIN TEXT...
-- From a dialplan, or from fs_cli: lua im_announce.lua ... Sets im_status when there is a session.

local im = dofile(freeswitch.getGlobalVariable("script_dir") .. "/im.lua")
local words = {}
for index = 2, #argv do words[#words + 1] = argv[index] end
local status = im.ask("announce", { Group = argv[1] }, table.concat(words, " "))
if session ~= nil then session:setVariable("im_status", tostring(status)) end
if stream ~= nil then stream:write(tostring(status) .. "\n") end
