"""Words that mean the same, or the one of which another is a kind: what shoppers say, and what labels say."""

import functools
from collections.abc import Mapping

# "a = b": whoever types one also finds the other. "a > b": whoever types a also finds b, but not back.
TABLE = """
머그 = 머그컵 = 머그잔 = mug
텀블러 = tumbler = 보온컵
컵 = cup = 잔
컵 > 머그, glass
유리컵 = 글라스 = glass = 유리잔
부엌 = 주방 = 키친 = kitchen
접시 = plate = 플레이트 = dish
사발 = 볼 = bowl = 대접 = 공기
그릇 = 식기 = tableware
그릇 > 접시, 사발, 반상기
밥그릇 = 밥공기 > 공기, 반상기
국그릇 > 대접, 반상기
도자기 = 세라믹 = ceramic = ceramics = pottery
꽃병 = 화병 = vase = 베이스
꽃병 > 절화용 병
항아리 = jar = 단지 = 독
주전자 = 케틀 = kettle
차주전자 = 찻주전자 = 티팟 = teapot = 다관 = 티포트
찻잔 = 티컵 = teacup
차 = tea = 티
녹차 = 그린티 = green tea
우롱차 = 오룡차 = oolong
말차 = 가루차 = matcha
홍차 > 발효차
다기 = 다구 = 티세트 = tea set
냄비 = pot = 솥
무쇠 = 주물 = cast iron
도마 = cutting board = 커팅보드
숟가락 = 스푼 = spoon = 수저
젓가락 = chopsticks > 수저
수저 = 커트러리 = cutlery
절구 = mortar = 막자사발
앞치마 = 에이프런 = apron
린넨 = 리넨 = 아마 = linen
면 = 무명 = 코튼 = cotton
양모 = 울 = wool
모시 = ramie
펠트 = felt
바구니 = 바스켓 = basket
쟁반 = 트레이 = tray
쌀통 = 쌀독 = rice box
공책 = 노트 = notebook = note
노트 > 일기장, 스케치북
일기장 = 다이어리 = diary = journal
스케치북 = 드로잉북 = sketchbook
연필 = pencil
펜 > 연필, 붓, 필기구
필통 = 펜케이스 = pencil case
연필꽂이 = 펜꽂이 = 펜홀더 = pen holder
편지지 = 레터 = letter paper
엽서 = 포스트카드 = postcard = 카드
종이 = paper
한지 = 닥종이 = hanji
포장지 = wrapping paper
테이프 = 마스킹테이프 = tape > 종이 띠
자 = 눈금자 = ruler
가위 = scissors = 시저
클립 = 집게 = clip
달력 = 캘린더 = calendar
책갈피 = 북마크 = bookmark
책버팀 = 북엔드 = bookend = 책꽂이
문진 = 누름돌 = paperweight
식물 = plant = 플랜트
식물 > 고무나무, 고사리, 선인장, 다육
다육 = 다육이 = 다육식물 = succulent
선인장 = cactus
고무나무 = 고무 나무
화분 = 플랜터 = planter = 포트 > 토분
토분 = terracotta = 테라코타
물뿌리개 = 물조리개 = 조리개 = watering can
씨앗 = 씨 = seed = seeds
원예 = 가드닝 = gardening = 정원
담요 = 블랭킷 = blanket = 무릎담요
이불 > 담요
방석 = 좌식 방석 = floor cushion
쿠션 = cushion
쿠션 > 방석
베개 = 필로우 = pillow
식탁보 = 테이블보 = tablecloth
커튼 = curtain = 가리개 = 가림천
샤워커튼 = shower curtain = 샤워 가림천
깔개 = 러그 = rug = 매트 = mat = 카펫
손수건 = handkerchief = 행커치프
보자기 = 포장보
에코백 = 장가방 = 토트백 = tote bag
가방 = bag = 백
파우치 = pouch = 주머니 = 손가방
슬리퍼 = 실내화 = slippers = slipper
등 = 램프 = 조명 = lamp = 전등 = light
책상등 = 스탠드 = 데스크램프 = desk lamp
스탠드 > 탁자등, 책 읽는 밤 등, 버섯등
천장등 = 펜던트 = 펜던트등 = pendant = 실링라이트
무드등 = 수면등 > 버섯등, 한지등, 종이등
초 = 양초 = 캔들 = candle = 촛불
촛대 = 캔들홀더 = candle holder = candlestick
의자 = 체어 = chair
의자 > 걸상
걸상 = 스툴 = stool
스툴 > 화분 받침 나무 의자, 목욕 의자
찻상 = 소반 = 다과상 = 좌탁
테이블 > 찻상, 소반
서랍함 = 서랍 = drawer = drawers
보관함 = 수납함 = 정리함 = storage box
수납 > 보관함, 서랍함, 상자, 바구니, 선반
상자 = 박스 = box
선반 = shelf = 셸프
옷걸이 = 행거 = hanger = 걸이
거울 = 미러 = mirror
시계 = 클락 = clock
벽시계 = wall clock
무소음 = 저소음 > 소리가 나지 않, 소리가 없, 초침 없는
가구 = furniture
나무 = 원목 = 우드 = wood
호두나무 = 월넛 = walnut
참나무 = 오크 = oak
소나무 = 파인 = pine
편백 = 히노끼 = 히노키 = hinoki
대나무 = 뱀부 = bamboo
라탄 = 등나무 = rattan
유리 = glass
가죽 = 레더 = leather
놋쇠 = 황동 = 브라스 = brass = 유기
법랑 = 에나멜 = enamel
비누 = soap = 솝
물비누 = 바디워시 = 바디 워시 = body wash
수건 = 타월 = 타올 = towel
향 = 인센스 = incense = 선향
디퓨저 = diffuser = 방향병 = 방향제
향초 > 향 도자기 초, 향 유리 초
솔 = 브러시 = brush
목욕 = bath = 욕실
코스터 = coaster = 컵받침 > 찻잔 받침
데스크매트 = 데스크 매트 = desk mat = 데스크패드 > 책상 깔개
책상 = 데스크 = desk
선물 = gift
세트 = set = 한 벌
작은 = 미니 = small = mini
흰색 = 화이트 = white = 하얀 = 흰 > 백자, 우윳빛, 백토, 크림
검정 = 검은색 = 블랙 = black = 검은 > 먹빛, 먹칠
파랑 = 파란색 = 블루 = blue = 파란 > 쪽빛, 하늘빛, 쪽풀빛
초록 = 초록색 = 그린 = green > 쑥빛, 솔빛, 이끼빛, 옥빛, 연둣빛
빨강 = 빨간색 = 레드 = red = 빨간 > 벽돌빛, 붉은
노랑 = 노란색 = 옐로우 = yellow = 노란 > 겨자빛, 치자빛
회색 = 그레이 = gray = grey > 잿빛
베이지 = beige > 모래빛, 생지
국산 = 한국 = korea = 국내산 = 대한민국
일본 = 일본산 = japan
베트남 = vietnam
이탈리아 = italy = 이태리
프랑스 = france
덴마크 = denmark
포르투갈 = portugal
인도 = india
대만 = taiwan
리투아니아 = lithuania
"""


def expand(word: str) -> tuple[str, ...]:
    """Return the other words by which what somebody means may be called."""
    return _groups().get(word.replace(" ", ""), ())


@functools.cache
def _groups() -> Mapping[str, tuple[str, ...]]:
    groups: dict[str, dict[str, None]] = {}
    for line in TABLE.split("\n"):
        same, _, kinds = line.partition(">")
        alike = _split(same, "=")
        for word in alike:
            others = [other for other in [*alike, *_split(kinds, ",")] if other != word]
            groups.setdefault(word.replace(" ", ""), {}).update(dict.fromkeys(others))
    return {word: tuple(others) for word, others in groups.items()}


def _split(line: str, by: str) -> list[str]:
    return [word for part in line.split(by) if (word := part.strip())]
