-- ML_VENDORS (FSCM): one row for each vendor with its primary address. Enter it as a public query.
-- Prompts, in this order, none of them required to be filled:
--   :1 FROM_DTTM       DateTime   first change stamp     (empty in a full read)
--   :2 TO_DTTM         DateTime   last change stamp, inclusive
--   :3 LAST_VENDOR_ID  Character 10   rows after this id   (paging)
-- VENDOR has no change stamp in every release. Without one leave :1 and :2 out of the query and of the tenant file.
-- Never add bank, payment or tax columns.
SELECT A.SETID, A.VENDOR_ID, A.NAME1, A.VENDOR_NAME_SHORT, A.VENDOR_STATUS, A.VENDOR_CLASS, A.VENDOR_PERSISTENCE,
       B.EMAILID, C.PHONE, B.CITY, B.COUNTRY, A.LASTUPDDTTM
  FROM PS_VENDOR A
  LEFT OUTER JOIN PS_VENDOR_ADDR B
    ON B.SETID = A.SETID AND B.VENDOR_ID = A.VENDOR_ID AND B.ADDRESS_SEQ_NUM = A.PRIM_ADDR_SEQ_NUM
   AND B.EFFDT = (SELECT MAX(B1.EFFDT) FROM PS_VENDOR_ADDR B1
                   WHERE B1.SETID = B.SETID AND B1.VENDOR_ID = B.VENDOR_ID
                     AND B1.ADDRESS_SEQ_NUM = B.ADDRESS_SEQ_NUM AND B1.EFFDT <= %CurrentDateIn)
  LEFT OUTER JOIN PS_VENDOR_ADDR_PHN C
    ON C.SETID = B.SETID AND C.VENDOR_ID = B.VENDOR_ID AND C.ADDRESS_SEQ_NUM = B.ADDRESS_SEQ_NUM
   AND C.EFFDT = B.EFFDT AND C.PHONE_TYPE = 'BUSN'
 WHERE (:1 IS NULL OR A.LASTUPDDTTM >= :1)
   AND (:2 IS NULL OR A.LASTUPDDTTM <= :2)
   AND (:3 = ' ' OR A.VENDOR_ID > :3)
 ORDER BY A.VENDOR_ID, A.SETID
